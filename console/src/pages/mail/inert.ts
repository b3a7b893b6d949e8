/** The lab adds this to the HTML of messages, so that links open in another tab. */
const LAB_BASE = '<base target="_blank">'

/**
 * Parses the HTML of a message without showing it: nothing in it is loaded or run. Styles are renamed, because the policy of
 * the page would report each of them: `<style>` is `xmp[data-css]` (raw text as well), and `style="…"` is `data-style`.
 */
export function parseInert(html: string): Document {
  const renamed = html
    .replace(LAB_BASE, '')
    .replaceAll(/<style\b/gi, '<xmp data-css')
    .replaceAll(/<\/style\b/gi, '</xmp')
    .replaceAll(/(<[^<>]*?\s)style(\s*=)/gi, '$1data-style$2')
  return new DOMParser().parseFromString(renamed, 'text/html')
}

/** The style sheets of a parsed message. */
export const styleSheets = (parsed: Document): string[] =>
  [...parsed.querySelectorAll('xmp[data-css]')].map(({ textContent }) => textContent ?? '')

/** The values of its `style` attributes. */
export const styleAttributes = (parsed: Document): string[] =>
  [...parsed.querySelectorAll('[data-style]')].map((one) => one.getAttribute('data-style') ?? '')
