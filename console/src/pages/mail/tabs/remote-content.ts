import { parseInert, styleAttributes, styleSheets } from '../inert.ts'

/** Something that a message would load from elsewhere. */
interface Remote {
  /** The element or the property that names it. */
  readonly kind: string
  readonly url: string
}

const MAX_FOUND = 1_000

/** Attributes whose URLs are loaded when the message is shown. */
const ATTRIBUTES: readonly (readonly [selector: string, attribute: string])[] = [
  ['img, input, video, audio, source, track, embed, iframe, frame, script, bgsound', 'src'],
  ['img, source', 'srcset'],
  ['video', 'poster'],
  ['body, table, td, th, tr', 'background'],
  ['link', 'href'],
  ['image, use', 'href'],
  ['object', 'data'],
]

const isRemote = (url: string): boolean => /^(?:https?:)?\/\//i.test(url.trim())

/**
 * Returns what the HTML of a message would load from other places. The document is parsed and not shown: nothing in it is
 * loaded or run.
 */
export function remoteContent(html: string): readonly Remote[] {
  const parsed = parseInert(html)
  const found = new Map<string, Remote>()
  const add = (kind: string, url: string): void => {
    if (isRemote(url) && found.size < MAX_FOUND) found.set(`${kind} ${url}`, { kind, url: url.trim() })
  }
  for (const [selector, attribute] of ATTRIBUTES) {
    for (const element of parsed.querySelectorAll(selector)) {
      const value = element.getAttribute(attribute) ?? ''
      const urls = attribute === 'srcset' ? value.split(',').map((one) => one.trim().split(/\s+/)[0] ?? '') : [value]
      for (const url of urls) add(element.localName, url)
    }
  }
  for (const css of [...styleSheets(parsed), ...styleAttributes(parsed)])
    for (const url of cssUrls(css)) add('css', url)
  return [...found.values()]
}

function cssUrls(css: string): string[] {
  const urls = [...css.matchAll(/url\(\s*(["']?)(.*?)\1\s*\)/gis)].map(([, , url = '']) => url)
  const imports = [...css.matchAll(/@import\s+(["'])(.*?)\1/gis)].map(([, , url = '']) => url)
  return [...urls, ...imports]
}
