import type { OctetString } from './types.ts'

/**
 * The message identifiers `<…>` in a References, In-Reply-To or Message-ID value, in order, with quoting that changes
 * nothing removed, so that they compare equal. RFC 5322 section 3.6.4, RFC 5256 section 2.
 */
export function messageIds(value: OctetString): OctetString[] {
  return Array.from(value.matchAll(/<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>/gs), ([, id]) => `<${normalized(id ?? '')}>`)
}

const normalized = (id: OctetString): OctetString =>
  id.replace(/[ \t\r\n]+/g, '').replace(/^"((?:[^"\\]|\\.)*)"(?=@)/s, (whole, inside: string) => {
    const plain = inside.replace(/\\(.)/gs, '$1')
    return /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/.test(plain) ? plain : whole
  })

/** What a message answers, oldest first: its References, or where it has none the first identifier of In-Reply-To. RFC 5256 section 3. */
export function threadAncestors(
  references: OctetString | undefined,
  inReplyTo: OctetString | undefined,
): OctetString[] {
  const found = references === undefined ? [] : messageIds(references)
  return found.length > 0 || inReplyTo === undefined ? found : messageIds(inReplyTo).slice(0, 1)
}
