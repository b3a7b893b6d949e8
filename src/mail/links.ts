import { decodeEntities } from './html-text.ts'

/** Links of HTML: what `href` names, in order, each once; `#…` and `javascript:` are none. */
export function htmlLinks(html: string): string[] {
  const found = Array.from(
    html.matchAll(/<(?:a|area)\s[^<>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi),
    (match) => decodeEntities((match[1] ?? match[2] ?? match[3] ?? '').trim()),
  )
  return [...new Set(found.filter((link) => /^[a-z][a-z0-9+.-]*:/i.test(link) && !/^javascript:/i.test(link)))]
}

/** Addresses in plain text, in order, each once, without the punctuation of the sentence around them. RFC 3986 appendix C. */
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
