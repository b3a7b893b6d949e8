import type { Api } from '../../../src/api/api.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import { headerFields, unfoldValue } from '../../../src/mail/format/headers.ts'
import { parseInSteps } from '../../../src/mail/format/structure.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { parameterText } from '../../../src/mail/format/words.ts'
import type { MessageReads } from '../../../src/storage/store/types.ts'
import type { Mail } from '../delivered-mail.ts'
import { MAX_ANSWER_OCTETS, recipientsOf } from '../tool-mail.ts'

// The keys are those of MailHog's API: https://github.com/mailhog/MailHog/blob/master/docs/APIv2/swagger-2.0.yaml

interface MailHogContent {
  readonly Headers: Record<string, string[]>
  /** As encoded. */
  readonly Body: string
  readonly Size: number
  readonly MIME: { readonly Parts: MailHogContent[] } | null
}

/** Returns a message; undefined if it was deleted meanwhile. @param source where it is read */
export async function mailHogMessage(api: Api, mail: Mail, source: MessageReads = api.lab.store) {
  const [first] = mail.copies
  const stored = await source.read(first.folder.id, first.entry.uid)
  if (!stored) return undefined
  const raw = withoutLastLineEnd(stored)
  const { mailFrom = '' } = first.entry.envelope ?? {}
  const facts = (await api.reader.facts(first, { source })) ?? { to: [], cc: [] }
  const rcptTo = recipientsOf(api, mail, facts)
  const structure = await runInSlices(parseInSteps(raw))
  const content = contentOf(raw, structure, { octets: raw.length * USUAL_LEVELS + SMALL_OCTETS })
  return {
    ID: mail.id,
    From: pathOf(mailFrom),
    To: rcptTo.map(pathOf),
    // As in MailHog, the parts are beside the content of the message itself.
    Content: { ...content, MIME: null },
    Created: timeText(first.entry.savedAt),
    MIME: content.MIME,
    Raw: { From: mailFrom, To: rcptTo, Data: raw.toString('utf8'), Helo: '' },
  }
}

/** MailHog takes the line end before the final dot of DATA as a part of the end. */
const withoutLastLineEnd = (raw: Buffer): Buffer =>
  raw.subarray(-2).equals(LINE_END) ? raw.subarray(0, -LINE_END.length) : raw

const LINE_END = Buffer.from('\r\n')

/** A part as MailHog numbers it. `part` is absent for what stands before the first part or after the last. */
interface MailHogPart {
  readonly part?: MessagePart
  readonly start: number
  readonly end: number
}

/**
 * Returns the parts of a multipart. MailHog splits its body at the delimiters: text before the first one is a part, and the
 * end `--` with what follows another one.
 */
export function mailHogParts(raw: Buffer, part: MessagePart): MailHogPart[] {
  const delimiter = `--${parameterText(part.params, 'boundary') ?? ''}`
  const first = raw.indexOf(delimiter, part.bodyStart)
  const lastEnd = part.children.at(-1)?.bodyEnd
  if (lastEnd === undefined || first === -1 || first >= part.bodyEnd) return []
  const last = raw.indexOf(delimiter, lastEnd)
  const pieces: MailHogPart[] = [
    { start: part.bodyStart, end: first },
    ...part.children.map((child) => ({ part: child, start: child.headerStart, end: child.bodyEnd })),
    ...(last === -1 || last >= part.bodyEnd ? [] : [{ start: last + delimiter.length, end: part.bodyEnd }]),
  ]
  return pieces
    .map((one) => ({ ...one, ...withoutLineEnds(raw, one) }))
    .filter(({ part: child, start, end }) => child !== undefined || end > start)
}

const isLineEnd = (octet: number | undefined): boolean => octet === 0x0d || octet === 0x0a

function withoutLineEnds(raw: Buffer, { start, end }: MailHogPart): Pick<MailHogPart, 'start' | 'end'> {
  let [from, to] = [start, end]
  while (from < to && isLineEnd(raw[from])) from++
  while (to > from && isLineEnd(raw[to - 1])) to--
  return { start: from, end: to }
}

function pathOf(address: string) {
  const at = address.lastIndexOf('@')
  const [mailbox, domain] = at === -1 ? [address, ''] : [address.slice(0, at), address.slice(at + 1)]
  return { Relays: null, Mailbox: mailbox, Domain: domain, Params: '' }
}

/** The content of a part is also in that of each part around it: mail made for it would fill the memory. */
const USUAL_LEVELS = 4
const SMALL_OCTETS = Math.min(1024 * 1024, MAX_ANSWER_OCTETS)

/**
 * @param left octets that parts may have together. Parts of a part beyond are left out
 * @param range the octets of the part. Default: all
 */
function contentOf(
  raw: Buffer,
  part: MessagePart,
  left: { octets: number },
  range: MailHogPart = { start: part.headerStart, end: part.bodyEnd },
): MailHogContent {
  left.octets -= part.bodyEnd - part.bodyStart
  const hasParts = part.kind === 'multipart' && left.octets > 0
  const headers = new Map<string, string[]>()
  for (const field of headerFields(raw, part.headerStart, part.bodyStart)) {
    if (field.name === '') continue
    const value = Buffer.from(unfoldValue(raw, field), 'latin1').toString('utf8')
    const known = headers.get(field.name)
    if (known) known.push(value)
    else headers.set(field.name, [value])
  }
  return {
    Headers: Object.fromEntries(headers),
    Body: raw.toString('utf8', part.bodyStart, Math.max(part.bodyStart, range.end)),
    Size: range.end - range.start,
    MIME: hasParts ? { Parts: mailHogParts(raw, part).map((one) => partContent(raw, one, left)) } : null,
  }
}

function partContent(raw: Buffer, one: MailHogPart, left: { octets: number }): MailHogContent {
  if (one.part) return contentOf(raw, one.part, left, one)
  const { start, end } = one
  return { Headers: {}, Body: raw.toString('utf8', start, end), Size: end - start, MIME: null }
}
