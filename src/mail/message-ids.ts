import type { OctetString } from './types.ts'

/**
 * The message identifiers `<…>` in a References, In-Reply-To or Message-ID value, in order, with quoting that changes
 * nothing removed, so that they compare equal. RFC 5322 section 3.6.4, RFC 5256 section 2.
 */
export function messageIds(value: OctetString): OctetString[] {
  if (PLAIN.test(value)) return [value]
  return Array.from(value.matchAll(/<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>/gs), ([, id]) => `<${normalized(id ?? '')}>`)
}

/** One identifier as nearly all are: nothing to be removed. */
const PLAIN = /^<[^\s<>"]*>$/

function normalized(id: OctetString): OctetString {
  const [quoted, inside = ''] = /^"((?:[^"\\]|\\.)*)"(?=@)/s.exec(id) ?? []
  if (quoted === undefined) return id.replace(/[ \t\r\n]+/g, '')
  const plain = inside.replace(/\\(.)/gs, '$1')
  return DOT_ATOM.test(plain) ? plain + id.slice(quoted.length) : id
}

const DOT_ATOM = /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/

/** Of longer values the end counts: the nearest stand last. */
const MAX_REFERENCES = 64 * 1024

/** What a message answers, oldest first: its References, or where it has none the first identifier of In-Reply-To. RFC 5256 section 3. */
export function threadAncestors(
  references: OctetString | undefined,
  inReplyTo: OctetString | undefined,
): OctetString[] {
  const found = references === undefined ? [] : messageIds(references.slice(-MAX_REFERENCES))
  return found.length > 0 || inReplyTo === undefined ? found : messageIds(inReplyTo).slice(0, 1)
}
