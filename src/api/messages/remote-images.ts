import type { Steps } from '../../core/time/time-slice.ts'

/**
 * The places of HTML that show an image. The lab does not see all that a browser sees: the policy of the document keeps the
 * browser from loading the rest. Longer values are no URLs, and the limits keep each search linear.
 */
const TAGS = /<(?:img|input|video|body|table|t[dhr])\b[^<>]{0,16384}>/gi
const ATTRIBUTE =
  /(?<![\w-])(?:src|background|poster)\s{0,16}=\s{0,16}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'<>]{1,4096}))/gi
const CSS = /(?<![\w-])url\(\s{0,16}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'()<>]{1,4096}))/gi

/** The browser prefers these to `src`. */
const SRCSET = /(?<![\w-])srcset(?=\s{0,16}=)/gi

/** Replaces the values of all places, in steps. */
function* replaceValues(html: string, valueFor: (written: string) => string): Steps<string> {
  const replace = (text: string, places: RegExp): string =>
    text.replaceAll(places, (whole: string, quoted?: string, single?: string, bare?: string) => {
      const written = quoted ?? single ?? bare ?? ''
      return (
        whole.slice(0, whole.length - written.length - (bare ? 0 : 1)) +
        valueFor(written) +
        (bare ? '' : whole.slice(-1))
      )
    })
  const tagged = html.replaceAll(TAGS, (tag) => (/^<video/i.test(tag) ? replace(tag, POSTER) : replace(tag, ATTRIBUTE)))
  yield
  return replace(tagged, CSS)
}

/** A film is no image. */
const POSTER = new RegExp(ATTRIBUTE.source.replace('src|background|', ''), 'gi')

/** Returns the URL of a place that is elsewhere; undefined for all others. */
function remoteUrl(written: string): string | undefined {
  const text = written.trim().replaceAll(/&(?:amp|#38|#x26);/gi, '&')
  const whole = text.startsWith('//') ? `https:${text}` : text
  return /^[a-z][a-z0-9+.-]*:/i.test(whole) && !/^(?:data|cid):/i.test(whole) ? whole : undefined
}

/** Returns the URLs of the images of HTML that are elsewhere, each once, in steps. */
export function* remoteImageUrls(html: string): Steps<string[]> {
  const found = new Set<string>()
  yield* replaceValues(html, (written) => {
    const url = remoteUrl(written)
    if (url !== undefined) found.add(url)
    return written
  })
  return [...found]
}

/**
 * Puts images into HTML, in steps.
 * @param images `data:` URLs of base64 by the URLs of `remoteImageUrls`
 * @param maxChars images beyond are left out: a message can show one thousands of times
 */
export function* withRemoteImages(html: string, images: ReadonlyMap<string, string>, maxChars: number): Steps<string> {
  let chars = 0
  // Nothing that a server sends is in the HTML but base64: not even its media type.
  const shown = yield* replaceValues(html, (written) => {
    const image = images.get(remoteUrl(written) ?? '')
    if (image === undefined || chars + image.length > maxChars) return written
    chars += image.length
    return image
  })
  yield
  return shown.replaceAll(SRCSET, 'data-srcset')
}
