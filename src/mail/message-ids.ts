import type { OctetString } from './types.ts'

/**
 * Returns the identifiers `<…>` in the value of a References, In-Reply-To or Message-ID field, in order. Removes
 * unnecessary quoting, so that equal identifiers compare equal. RFC 5322 section 3.6.4, RFC 5256 section 2.
 */
export function messageIds(value: OctetString): OctetString[] {
  if (PLAIN.test(value)) return [value]
  return Array.from(value.matchAll(/<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>/gs), ([, id]) => `<${normalized(id ?? '')}>`)
}

/** The usual case: one identifier without quoting. */
const PLAIN = /^<[^\s<>"]*>$/

function normalized(id: OctetString): OctetString {
  const [quoted, inside = ''] = /^"((?:[^"\\]|\\.)*)"(?=@)/s.exec(id) ?? []
  if (quoted === undefined) return id.replace(/[ \t\r\n]+/g, '')
  const plain = inside.replace(/\\(.)/gs, '$1')
  return DOT_ATOM.test(plain) ? plain + id.slice(quoted.length) : id
}

const DOT_ATOM = /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/

/** Limit of a References value. The end of a longer one is used, because the nearest messages are last. */
const MAX_REFERENCES_OCTETS = 64 * 1024

/** Returns the ancestors of a message in its thread, oldest first: its References, or the first identifier of In-Reply-To. RFC 5256 section 3. */
export function threadAncestors(
  references: OctetString | undefined,
  inReplyTo: OctetString | undefined,
): OctetString[] {
  const found = references === undefined ? [] : messageIds(references.slice(-MAX_REFERENCES_OCTETS))
  return found.length > 0 || inReplyTo === undefined ? found : messageIds(inReplyTo).slice(0, 1)
}
