/** Returns the URLs in plain text, in order and without duplicates or the punctuation around them. RFC 3986 appendix C. */
export function textLinks(text: string): string[] {
  const found = text.match(/\b(?:https?|ftp):\/\/[^\s<>"]+|\bmailto:[^\s<>"]+/gi) ?? []
  return [...new Set(found.map(withoutPunctuation))]
}

function withoutPunctuation(link: string): string {
  const opened = link.split('(').length
  let closed = link.split(')').length
  let end = link.length
  for (;;) {
    const unopened = link[end - 1] === ')' && closed > opened
    if (unopened) closed--
    else if (!/[.,;:!?'\]}*]/.test(link[end - 1] ?? '')) return link.slice(0, end)
    end--
  }
}
