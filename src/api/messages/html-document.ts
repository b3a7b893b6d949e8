import type { ReadableMessage } from '../../mail/readable.ts'
import { Content } from '../operation.ts'

/**
 * What the document of an HTML mail may do: show itself. It runs no script, submits no form and loads nothing from
 * anywhere. https://www.w3.org/TR/CSP3/
 */
const HTML_MAIL_POLICY =
  "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"

/** Larger inline images are left out. */
const MAX_IMAGE_OCTETS = 5 * 1024 * 1024

const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/

/** Returns the HTML of a message as a document of its own, with its `cid:` images inside. RFC 2392. */
export function htmlDocument(message: ReadableMessage): Content {
  const images = new Map(
    message.attachments.flatMap((one) =>
      one.cid !== undefined && IMAGE.test(one.contentType) && one.sizeOctets <= MAX_IMAGE_OCTETS
        ? [[one.cid, one]]
        : [],
    ),
  )
  const html = (message.html ?? '').replaceAll(/\bcid:([^"'\s)>]+)/gi, (whole, id: string) => {
    const image = images.get(decoded(id))
    return image ? `data:${image.contentType};base64,${image.content.toString('base64')}` : whole
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
