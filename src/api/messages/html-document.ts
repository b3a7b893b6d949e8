import { HEAP_SHARE } from '../../core/octets/heap-share.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import { cidOf } from '../../mail/format/links.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { Content } from '../operation.ts'
import { withRemoteImages } from './remote-images.ts'

/**
 * The document of an HTML mail may show itself, and open a link in another tab when somebody clicks it. It runs no
 * script, submits no form and loads nothing from anywhere. https://www.w3.org/TR/CSP3/
 */
const HTML_MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"

/** Images beyond are left out. A message can show one image thousands of times. */
const MAX_IMAGES_OCTETS = Math.min(16 * 1024 * 1024, HEAP_SHARE)

const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/

/**
 * A policy does not stop these: `<link rel="preconnect">` and `dns-prefetch` tell a server that somebody reads the message,
 * frames bring documents of their own, and `http-equiv` fields change how the document is treated. No browser can read a tag
 * or an attribute that is not spelled so, wherever it stands: a search needs no parser, and no parser can disagree with it.
 * https://html.spec.whatwg.org/multipage/parsing.html#tokenization
 */
const UNSAFE_TAGS = /<(?=(?:link|i?frame|frameset|object|embed|applet|portal|fencedframe)(?:[\s/>]|$))/gi
const UNSAFE_ATTRIBUTES = /\b(?=http-equiv\b)/gi

interface HtmlDocumentOptions {
  /** The colour scheme that the document is shown in. */
  readonly scheme?: 'light' | 'dark' | undefined
  /** Whether links open in another tab, as a document in a frame needs it. */
  readonly linksInTabs?: boolean
  /** Remote images to show, as `data:` URLs by their own. */
  readonly remote?: ReadonlyMap<string, string> | undefined
  /** Index of a tag in the HTML, which gets a frame and the fragment `#sealpost-mark`. */
  readonly mark?: number | undefined
}

/** Returns the HTML of a message as a document of its own, with its `cid:` images inside, in steps. RFC 2392. */
export function* htmlDocument(
  message: ReadableMessage,
  { scheme, linksInTabs, mark, remote }: HtmlDocumentOptions = {},
): Steps<Content> {
  const { html: written = '' } = message
  yield
  const marked = mark === undefined ? written : withMark(written, mark)
  const tagged = marked.replaceAll(UNSAFE_TAGS, '<x-')
  yield
  const harmless = tagged.replaceAll(UNSAFE_ATTRIBUTES, 'data-')
  yield
  const fetched = remote ? yield* withRemoteImages(harmless, remote, MAX_IMAGES_OCTETS) : harmless
  const html = yield* withImages(fetched, message)
  yield
  const shown = scheme ? forceScheme(html, scheme) : html
  const head = [...(linksInTabs ? ['<base target="_blank">'] : []), ...(mark === undefined ? [] : [MARK_STYLE])].join(
    '',
  )
  return new Content('text/html; charset=utf-8', withHead(shown, head), {
    'Content-Security-Policy': HTML_MAIL_POLICY,
    'Referrer-Policy': 'no-referrer',
    // Browsers look up the hosts of links in advance. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-DNS-Prefetch-Control
    'X-DNS-Prefetch-Control': 'off',
    'Cross-Origin-Resource-Policy': 'same-origin',
  })
}

/** Returns HTML of a message with its `cid:` images inside, as `data:` URLs, in steps. */
export function* withImages(html: string, message: ReadableMessage): Steps<string> {
  const attachments = /\bcid:/i.test(html) ? yield* message.attachmentsInSteps() : []
  const images = new Map(
    attachments.flatMap((one) => (one.cid !== undefined && IMAGE.test(one.contentType) ? [[one.cid, one]] : [])),
  )
  if (images.size === 0) return html
  let octets = 0
  return html.replaceAll(/\bcid:[^"'\s)>]+/gi, (whole) => {
    const image = images.get(cidOf(whole) ?? '')
    if (!image || octets + image.sizeOctets > MAX_IMAGES_OCTETS) return whole
    octets += image.sizeOctets
    return `data:${image.contentType};base64,${image.content.toString('base64')}`
  })
}

/** Puts elements at the beginning of a document, but after its DOCTYPE. */
const withHead = (html: string, head: string): string =>
  html.replace(/^\s*(?:<!doctype[^>]*>)?(?:\s*<html[^>]*>)?(?:\s*<head[^>]*>)?/i, (before) => before + head)

const MARK_STYLE =
  '<style>#sealpost-mark{outline:3px solid #d9480f!important;outline-offset:2px!important;scroll-margin:64px}</style>'

/** Marks a tag. Of two attributes with one name, the first counts. */
const withMark = (html: string, at: number): string =>
  html.slice(0, at) + html.slice(at).replace(/^<[a-z][^\s/>]*/i, (tag) => `${tag} id="sealpost-mark"`)

/** A whole tag. The next tag ends it, so that a search in tags that never end takes linear time. */
const META = /<meta\s[^<>]*>/gi
const NAMES_SCHEMES = /\bname\s*=\s*["']?(?:supported-)?color-schemes?\b/i

/**
 * Makes a document look as in a colour scheme, whichever the browser has. Conditions on the scheme become others of the same
 * form that are always or never true. https://www.w3.org/TR/mediaqueries-5/#prefers-color-scheme
 */
function forceScheme(html: string, scheme: 'light' | 'dark'): string {
  const supported = (value: string): string => (value.toLowerCase().split(/\s+/).includes(scheme) ? scheme : 'light')
  return html
    .replaceAll(/\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi, (_, wanted: string) =>
      wanted.toLowerCase() === scheme ? '(min-width: 0)' : '(max-width: 0)',
    )
    .replaceAll(
      /(?<![\w-])(color-scheme\s*:\s*)((?:light|dark|only|normal|\s)+)/gi,
      (_, name: string, value: string) => `${name}${supported(value)}`,
    )
    .replaceAll(META, (meta) =>
      NAMES_SCHEMES.test(meta)
        ? meta.replace(
            /(content\s*=\s*["']?)([^"'>]*)/i,
            (_, name: string, value: string) => `${name}${supported(value)}`,
          )
        : meta,
    )
}
