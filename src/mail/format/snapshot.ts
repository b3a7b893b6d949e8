import { AttachedPart } from './attachments.ts'
import { isText, partText } from './parts.ts'
import type { ReadableMessage } from './readable.ts'
import type { MessagePart } from './types.ts'
import { parameterText } from './words.ts'

/** Fields that servers and signers add: their values differ each time, and so can their number. */
const TRACE =
  /^(?:received|return-path|delivered-to|x-received|received-spf|authentication-results|arc-.*|(?:x-google-)?dkim-signature|domainkey-signature)$/i
const WITH_IDS = /^(?:message-id|content-id|in-reply-to|references)$/i
const MSG_ID = /<[^<>\s]+>/g
/** Signatures and encrypted content differ each time. */
const SEALED = /(?:pkcs7|pgp)-/

const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
/** The texts that differ between two runs wherever they stand, and their placeholders. */
const VOLATILE: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  // RFC 5322 section 3.3
  [
    new RegExp(
      `\\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d{1,2} (?:${MONTHS}) \\d{4} \\d\\d:\\d\\d(?::\\d\\d)?(?: (?:[+-]\\d{4}|GMT|UTC))?(?: \\([A-Z]+\\))?`,
      'g',
    ),
    '<date>',
  ],
  // RFC 3339
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d)/g, '<date>'],
  // RFC 5545 section 3.8.7
  [/^(DTSTAMP|CREATED|LAST-MODIFIED)[:;].*$/gm, '$1:<date>'],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\b(localhost|127\.0\.0\.1):\d{2,5}\b|(\[::1\]):\d{2,5}\b/g, '$1$2:<port>'],
]

/** Returns a message as a text. Messages with the same content have the same text. */
export function snapshotOf({ raw, structure, fieldList }: ReadableMessage): string {
  const parts = [...partsOf(structure)]
  const names = new Map<string, string>()
  const name = (kind: string, found: readonly string[]): void => {
    for (const one of found)
      if (!names.has(one)) names.set(one, `${kind} ${[...names.values()].filter((n) => n.startsWith(kind)).length + 1}`)
  }
  for (const field of fieldList) if (WITH_IDS.test(field.name)) name('id', withoutBrackets(field.value.match(MSG_ID)))
  for (const part of parts) {
    name('id', withoutBrackets(part.id?.match(MSG_ID)))
    name('boundary', parameterText(part.params, 'boundary')?.split('\n') ?? [])
  }
  // The longest first: one can be a part of another.
  const known = [...names].sort(([a], [b]) => b.length - a.length)
  const stable = (text: string): string => {
    const named = known.reduce(
      (done, [one, place]) => done.replaceAll(`<${one}>`, `<${place}>`).replaceAll(one, `<${place}>`),
      text,
    )
    return VOLATILE.reduce((done, [pattern, placeholder]) => done.replace(pattern, placeholder), named)
  }
  const traces = new Set<string>()
  const fields = fieldList.flatMap(({ name: field, value }) => {
    const key = field.toLowerCase()
    if (key === 'date') return [`${field}: <date>`]
    if (!TRACE.test(field)) return [`${field}: ${stable(value)}`]
    if (traces.has(key)) return []
    traces.add(key)
    return [`${field}: <trace>`]
  })
  const contents = parts
    .filter(({ kind }) => kind !== 'multipart')
    .map((part) => `--- ${stable(headOf(part))}\n${stable(partSnapshot(raw, part))}`)
  return `${fields.join('\n')}\n\n${contents.map((one) => one.trimEnd()).join('\n\n')}\n`
}

const withoutBrackets = (ids: readonly string[] | null | undefined): string[] =>
  (ids ?? []).map((one) => one.slice(1, -1))

function* partsOf(part: MessagePart): Generator<MessagePart, void, void> {
  yield part
  if (part.kind === 'multipart') for (const child of part.children) yield* partsOf(child)
}

/** `text/plain`, `image/png, inline, logo.png, <logo@shop>` */
function headOf(part: MessagePart): string {
  const { filename = '' } = new AttachedPart(Buffer.alloc(0), part)
  const facts = [`${part.type}/${part.subtype}`.toLowerCase(), part.disposition?.type.toLowerCase(), filename, part.id]
  return facts.filter(Boolean).join(', ')
}

function partSnapshot(raw: Buffer, part: MessagePart): string {
  if (SEALED.test(part.subtype.toLowerCase())) return '<sealed>'
  const attached = new AttachedPart(raw, part)
  if (part.message) return attached.content.toString().replaceAll('\r\n', '\n')
  if (isText(part)) return partText(raw, part).replaceAll('\r\n', '\n')
  return `${attached.sizeOctets} octets, sha256 ${attached.sha256}`
}
