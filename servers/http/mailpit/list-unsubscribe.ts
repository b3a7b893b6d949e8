/** What Mailpit says about the List-Unsubscribe fields of a message. RFC 2369 section 3.2, RFC 8058. */
export function listUnsubscribeOf(headers: ReadonlyMap<string, string>) {
  const header = headers.get('list-unsubscribe') ?? ''
  const links = Array.from(header.matchAll(/<([^<>]*)>/g), ([, link = '']) => link.trim())
  return {
    Header: header,
    Links: links,
    Errors: header === '' ? '' : mistakesOf(links),
    HeaderPost: headers.get('list-unsubscribe-post') ?? '',
  }
}

function mistakesOf(links: readonly string[]): string {
  if (links.length === 0) return 'no link in angle brackets'
  const count = (scheme: RegExp): number => links.filter((link) => scheme.test(link)).length
  return [
    ...links.filter((link) => !/^(?:mailto:.|https?:\/\/.)/i.test(link)).map((link) => `${link} is not a valid link`),
    ...(count(/^mailto:/i) > 1 ? ['more than one mailto link'] : []),
    ...(count(/^https?:/i) > 1 ? ['more than one HTTP link'] : []),
  ].join(', ')
}
