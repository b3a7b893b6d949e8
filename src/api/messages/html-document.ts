import type { ReadableMessage } from '../../mail/readable.ts'
import { Content } from '../operation.ts'

/**
 * What the document of an HTML mail may do: show itself. It runs no script, submits no form and loads nothing from
 * anywhere. https://www.w3.org/TR/CSP3/
 */
const HTML_MAIL_POLICY =
  "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"

/** Images beyond are left out. A message can show one image thousands of times. */
const MAX_IMAGES_OCTETS = 16 * 1024 * 1024

const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/

/** Returns the HTML of a message as a document of its own, with its `cid:` images inside. RFC 2392. */
export function htmlDocument(message: ReadableMessage): Content {
  const images = new Map(
    message.attachments.flatMap((one) =>
      one.cid !== undefined && IMAGE.test(one.contentType) ? [[one.cid, one]] : [],
    ),
  )
  let octets = 0
  const html = (message.html ?? '').replaceAll(/\bcid:([^"'\s)>]+)/gi, (whole, id: string) => {
    const image = images.get(decoded(id))
    if (!image || octets + image.sizeOctets > MAX_IMAGES_OCTETS) return whole
    octets += image.sizeOctets
    return `data:${image.contentType};base64,${image.content.toString('base64')}`
  })
  return new Content('text/html; charset=utf-8', html, {
    'Content-Security-Policy': HTML_MAIL_POLICY,
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
