import type { Steps } from '../../core/time/time-slice.ts'
import { parseAddresses } from '../format/addresses.ts'
import { headerFields, headerValues } from '../format/headers.ts'
import { partOctetsOrRaw, partOctetsOrRawInSteps } from '../format/parts.ts'
import type { MessagePart } from '../format/types.ts'
import { parameterText } from '../format/words.ts'

/** The S/MIME layer of a MIME entity. */
export type MimeLayer =
  | { readonly form: 'detached'; readonly content: Buffer; readonly signature: Buffer }
  | { readonly form: 'opaque'; readonly content: Buffer }

/** RFC 8551 section 3.2; programs of the 1990s write x-pkcs7. */
const OPAQUE = /^(?:x-)?pkcs7-mime$/i
const SIGNATURE = /^application\/(?:x-)?pkcs7-signature$/i

/** Returns the S/MIME layer of a message or a part, in steps; undefined if it has none. */
export function* mimeLayer(entity: Buffer, structure: MessagePart): Steps<MimeLayer | undefined> {
  if (structure.kind === 'multipart') return detachedLayer(entity, structure)
  if (!isOpaque(structure)) return undefined
  return { form: 'opaque', content: yield* partOctetsOrRawInSteps(entity, structure) }
}

const isSigned = ({ subtype, params }: MessagePart): boolean =>
  /^signed$/i.test(subtype) && SIGNATURE.test(parameterText(params, 'protocol') ?? '')

function isOpaque({ type, subtype, params, disposition }: MessagePart): boolean {
  if (!/^application$/i.test(type)) return false
  if (OPAQUE.test(subtype)) return true
  // RFC 8551 section 3.10: the type may be lost on the way.
  const name = parameterText(disposition?.params ?? [], 'filename') ?? parameterText(params, 'name') ?? ''
  return /^octet-stream$/i.test(subtype) && /\.p7m$/i.test(name)
}

/** RFC 1847 section 2.1: the first part is signed with its header, the second one is the signature. */
function detachedLayer(entity: Buffer, structure: MessagePart): MimeLayer | undefined {
  const [signed, signature, ...others] = structure.children
  if (!isSigned(structure) || !signed || !signature || others.length > 0) return undefined
  return {
    form: 'detached',
    content: entity.subarray(signed.headerStart, signed.bodyEnd),
    signature: partOctetsOrRaw(entity, signature),
  }
}

/** Returns the addresses of From and Sender, in lower case. */
export function sendersOf(message: Buffer): string[] {
  const fields = headerFields(message)
  return ['from', 'sender']
    .flatMap((name) => headerValues(message, fields, name))
    .flatMap(parseAddresses)
    .flatMap(({ mailbox, host }) => (mailbox && host ? [`${mailbox}@${host}`.toLowerCase()] : []))
}

/** Fields that say who sent a message and how it arrived. Signers are judged by the outer ones. */
const OUTER = /^(?:from|sender|reply-to|resent-.*|return-path|received.*|authentication-results|arc-.*|dkim-signature)$/

/**
 * Returns a message with the content of a layer in place of its own: its header, without the fields about the content.
 * The content may replace other fields, such as Subject, but not those about the sender.
 */
export function withContent(message: Buffer, content: Buffer): Buffer {
  const fields = headerFields(content)
  const inner = fields.filter(({ nameLower }) => !OUTER.test(nameLower))
  const replaced = new Set(inner.map(({ nameLower }) => nameLower))
  const kept = headerFields(message).filter(
    ({ nameLower }) => nameLower !== '' && !/^(?:content-|mime-version$)/.test(nameLower) && !replaced.has(nameLower),
  )
  return Buffer.concat([
    ...kept.map(({ start, end }) => message.subarray(start, end)),
    ...inner.map(({ start, end }) => content.subarray(start, end)),
    content.subarray(fields.at(-1)?.end ?? 0),
  ])
}
