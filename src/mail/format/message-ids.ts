import type { OctetString } from './types.ts'

/**
 * Returns the identifiers `<…>` in the value of a References, In-Reply-To or Message-ID field, in order. Removes
 * unnecessary quoting, so that equal identifiers compare equal. RFC 5322 section 3.6.4, RFC 5256 section 2.
 */
export function messageIds(value: OctetString): OctetString[] {
  if (PLAIN.test(value)) return [value]
  const ids: OctetString[] = []
  for (let at = value.indexOf('<'); at >= 0; at = value.indexOf('<', at)) {
    const [whole, id = ''] = ID.exec(value.slice(at, at + MAX_ID_OCTETS)) ?? []
    if (whole !== undefined) ids.push(`<${normalizeId(id)}>`)
    at += whole?.length ?? 1
  }
  return ids
}

/** Longest identifier that is recognized: the limit of a line. RFC 5322 section 2.1.1. Keeps the search for `>` short. */
const MAX_ID_OCTETS = 998

/** One identifier. Anchored, so that each attempt takes linear time. */
const ID = /^<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>/s

/** The usual case: one identifier without quoting. */
const PLAIN = /^<[^\s<>"]*>$/

function normalizeId(id: OctetString): OctetString {
  const [quoted, inside = ''] = /^"((?:[^"\\]|\\.)*)"(?=@)/s.exec(id) ?? []
  if (quoted === undefined) return id.replace(/[ \t\r\n]+/g, '')
  const plain = inside.replace(/\\(.)/gs, '$1')
  return DOT_ATOM.test(plain) ? plain + id.slice(quoted.length) : id
}

const DOT_ATOM = /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/

/** Limits of a References value. Only the end of a longer one is used, because the nearest messages are last. */
const MAX_REFERENCES_OCTETS = 32 * 1024
const MAX_ANCESTORS = 100
/** Octets of a Message-ID or In-Reply-To value in which the first identifier is looked for. */
const MAX_SINGLE_OCTETS = 4096

/** Returns the identifier of a message by the value of its Message-ID field. */
export const ownMessageId = (value: OctetString | undefined): OctetString | undefined =>
  value === undefined ? undefined : messageIds(value.slice(0, MAX_SINGLE_OCTETS))[0]

/** Returns the ancestors of a message in its thread, oldest first: its References, or the first identifier of In-Reply-To. RFC 5256 section 3. */
export function threadAncestors(
  references: OctetString | undefined,
  inReplyTo: OctetString | undefined,
): OctetString[] {
  const found = references === undefined ? [] : messageIds(references.slice(-MAX_REFERENCES_OCTETS))
  if (found.length > 0 || inReplyTo === undefined) return found.slice(-MAX_ANCESTORS)
  return messageIds(inReplyTo.slice(0, MAX_SINGLE_OCTETS)).slice(0, 1)
}
