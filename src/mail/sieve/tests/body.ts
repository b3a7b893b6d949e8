import { runInSlices } from '../../../core/time/time-slice.ts'
import { decodeCharset, decodeRawText } from '../../format/charsets.ts'
import { htmlTextSteps } from '../../format/html-text.ts'
import { everyPart, isText, partOctetsOrRawInSteps } from '../../format/parts.ts'
import { isHtml } from '../../format/sorted-parts.ts'
import type { MessagePart } from '../../format/types.ts'
import { parameterText } from '../../format/words.ts'
import type { TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'

async function partText(raw: Buffer, part: MessagePart): Promise<string> {
  const octets = await runInSlices(partOctetsOrRawInSteps(raw, part))
  return isText(part)
    ? decodeCharset(octets, parameterText(part.params, 'charset'))
    : decodeRawText(octets.toString('latin1'))
}

/** Whether a part is of a type: `""` is every one, `text` every subtype. RFC 5173 section 5.2 */
function isOfType({ type, subtype }: MessagePart, wanted: string): boolean {
  const own = `${type || 'text'}/${subtype || 'plain'}`.toLowerCase()
  return wanted === '' || wanted === own || (!wanted.includes('/') && own.startsWith(`${wanted}/`))
}

/** Returns the texts of a part that are matched: the text around the parts of a multipart, the header of a message inside, else the content. RFC 5173 section 5.2 */
async function contents(raw: Buffer, part: MessagePart): Promise<string[]> {
  if (part.message) return [decodeRawText(raw.toString('latin1', part.message.headerStart, part.message.bodyStart))]
  if (part.kind !== 'multipart') return [await partText(raw, part)]
  const lines = raw.toString('latin1', part.bodyStart, part.bodyEnd).split('\r\n--')
  return [lines.length > 1 ? (lines[0] ?? '') : '', /^[^\r\n]*--[ \t]*\r\n([^]*)$/.exec(lines.at(-1) ?? '')?.[1] ?? '']
}

/** Returns the texts to match. */
async function bodies(call: Call): Promise<string[]> {
  const { mail } = call.run
  call.run.work((mail.octets - mail.bodyStart) >> 3)
  const { raw, structure } = await mail.body()
  if (call.has('raw')) return [decodeRawText(raw.toString('latin1', structure.bodyStart))] // RFC 5173 section 5.1
  const parts = everyPart(structure)
  const found: string[] = []
  if (call.has('content')) {
    const types = call.texts('content').map((type) => type.toLowerCase())
    for (const part of parts) if (types.some((type) => isOfType(part, type))) found.push(...(await contents(raw, part)))
    return found
  }
  // RFC 5173 section 5.3
  for (const part of parts.filter(isText)) {
    const text = await partText(raw, part)
    found.push(isHtml(part) ? await runInSlices(htmlTextSteps(text)) : text)
  }
  return found
}

/** RFC 5173. */
export const body: TestRow = {
  name: 'body',
  extensions: ['body'],
  tags: {
    ...MATCHING,
    raw: { group: 'body transform' },
    content: { group: 'body transform', value: { type: 'strings' } },
    text: { group: 'body transform' },
  },
  arguments: [{ name: 'keys', type: 'strings' }],
  async test(call) {
    const { scope } = call.run
    const { matched } = scope
    const found = await anyMatch(call, await bodies(call), call.texts('keys'))
    scope.matched = matched // RFC 5173 section 6
    return found
  },
}
