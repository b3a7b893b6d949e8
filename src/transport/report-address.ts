/** One address, without what would end it in a header field or a command. */
const ONE_ADDRESS = /^[^\s<>@,\p{Cc}]+@[^\s<>@,\p{Cc}]+$/u

/** Returns the mail address of a `mailto:` URI; undefined if it does not name exactly one. RFC 6068 section 2. */
export function addressOf(uri: string): string | undefined {
  const encoded = /^mailto:([^?]+)/i.exec(uri)?.[1]
  if (encoded === undefined) return undefined
  try {
    const address = decodeURIComponent(encoded)
    return ONE_ADDRESS.test(address) ? address : undefined
  } catch {
    return undefined
  }
}
