import type { Steps } from '../../core/time/time-slice.ts'
import { lineCounter, tagsOf } from './html-tags.ts'

/** A link of a message. As a string, such as in `new URL(link)`, it is its target. */
export class MessageLink {
  /** The target. */
  readonly href: string
  /** The words of the link, with the alternative text of its images; in plain text, the target. At most 500 characters. */
  readonly text: string
  /** Where it is: in the HTML, or only in the plain text. */
  readonly place: 'html' | 'text'
  /** The line there, from 1. */
  readonly line: number

  constructor(href: string, text: string, place: MessageLink['place'], line: number) {
    this.href = href
    this.text = text
    this.place = place
    this.line = line
  }

  toString(): string {
    return this.href
  }
}

const isAbsolute = (target: string): boolean => /^(?!javascript:)[a-z][a-z0-9+.-]*:/i.test(target)
const collapseSpace = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** Returns the links of HTML in order, those with the same target and text once, in steps. Leaves out `#…` and `javascript:`. */
export function* htmlLinkSteps(html: string): Steps<MessageLink[]> {
  const found = new Map<string, MessageLink>()
  // The alternative text of an image belongs to its link.
  for (const { name, attributes, line, text } of yield* tagsOf(html, (one) => /^(?:a|area|img)$/.test(one))) {
    const href = attributes.get('href')?.trim() ?? ''
    if (name === 'img' || !isAbsolute(href)) continue
    const words = collapseSpace(name === 'area' ? (attributes.get('alt') ?? '') : text)
    const key = `${href} ${words}`
    if (!found.has(key)) found.set(key, new MessageLink(href, words, 'html', line))
  }
  return [...found.values()]
}

/** Returns the links of plain text in order, each target once, in steps. */
export function* textLinkSteps(text: string): Steps<MessageLink[]> {
  const found = new Map<string, MessageLink>()
  const lineAt = lineCounter(text)
  let start = 0
  for (const piece of piecesOf(text)) {
    for (const { href, index } of urlsIn(piece))
      if (!found.has(href)) found.set(href, new MessageLink(href, href, 'text', lineAt(start + index)))
    start += piece.length
    yield
  }
  return [...found.values()]
}

/** An image of the HTML of a message. */
interface HtmlImage {
  /** As the HTML has it; of a `data:` URL only the beginning. */
  readonly src: string
  /** Undefined if the image has none, which differs from an empty one: a decoration. */
  readonly alt: string | undefined
  /** In pixels, as the HTML says. */
  readonly width: number | undefined
  readonly height: number | undefined
  /** Line of the HTML, from 1. */
  readonly line: number
  /** Octets of the content of a `data:` URL. */
  readonly dataOctets: number | undefined
}

/** An image that the HTML of a message shows. */
export interface MessageImage extends Omit<HtmlImage, 'dataOctets'> {
  /**
   * Where its content is: attached to the message (`cid:`), inline in the HTML (`data:`), or remote, which a mail program
   * loads from a server. Missing: nowhere, as for a relative URL or a `cid:` without an attachment.
   */
  readonly place: 'attached' | 'inline' | 'remote' | 'missing'
  /** The size of the content, if the message has it. */
  readonly sizeOctets: number | undefined
}

/** Returns an image with the place of its content. */
export function placedImage(
  { dataOctets, ...image }: HtmlImage,
  attachments: readonly { readonly cid: string | undefined; readonly sizeOctets: number }[],
): MessageImage {
  if (dataOctets !== undefined) return { ...image, place: 'inline', sizeOctets: dataOctets }
  if (/^https?:/i.test(image.src)) return { ...image, place: 'remote', sizeOctets: undefined }
  const cid = cidOf(image.src)
  const attached = attachments.find((one) => one.cid !== undefined && one.cid === cid)
  return { ...image, place: attached ? 'attached' : 'missing', sizeOctets: attached?.sizeOctets }
}

/** Returns the Content-ID of a `cid:` URL; undefined for another URL. RFC 2392 */
export function cidOf(url: string): string | undefined {
  const [, id] = /^cid:(.*)$/is.exec(url) ?? []
  try {
    return id && decodeURIComponent(id)
  } catch {
    return id
  }
}

const DATA_URL = /^data:[^,]*,/i

/** Returns the images of HTML in order, in steps. */
export function* htmlImageSteps(html: string): Steps<HtmlImage[]> {
  const images: HtmlImage[] = []
  for (const { attributes, line } of yield* tagsOf(html, (name) => name === 'img')) {
    const pixels = (name: string): number | undefined => {
      const written = attributes.get(name)?.trim() ?? ''
      return /^\d+(?:px)?$/i.test(written) ? Number.parseInt(written, 10) : undefined
    }
    const src = attributes.get('src')?.trim() ?? ''
    const [head] = DATA_URL.exec(src) ?? []
    images.push({
      src: head === undefined ? src : `${head}…`,
      alt: attributes.get('alt'),
      width: pixels('width'),
      height: pixels('height'),
      line,
      dataOctets: head === undefined ? undefined : dataOctets(head, src.slice(head.length)),
    })
    yield
  }
  return images
}

/** Returns the length of the content of a `data:` URL. RFC 2397. */
const dataOctets = (head: string, data: string): number =>
  /;base64,$/i.test(head) ? Buffer.byteLength(data.trim(), 'base64') : data.replace(/%[0-9a-f]{2}/gi, ' ').length

/** Characters of a text that are searched between two pauses. */
const PIECE_CHARS = 16 * 1024

/** Yields a text in pieces that end before white space. */
function* piecesOf(text: string): Generator<string, void, void> {
  const space = /\s/g
  for (let at = 0; at < text.length; at = space.lastIndex) {
    space.lastIndex = at + PIECE_CHARS
    if (!space.test(text)) space.lastIndex = text.length
    yield text.slice(at, space.lastIndex)
  }
}

/** Yields the URLs in plain text, in order and without the punctuation around them. RFC 3986 appendix C. */
function* urlsIn(text: string): Generator<{ readonly href: string; readonly index: number }, void, void> {
  for (const { 0: url, index } of text.matchAll(/\b(?:https?|ftp):\/\/[^\s<>"]+|\bmailto:[^\s<>"]+/gi))
    yield { href: withoutPunctuation(url), index }
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
