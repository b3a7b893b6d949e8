import { contentDisposition } from '../../src/api/messages/content-disposition.ts'
import { Content } from '../../src/api/operation.ts'

/** Types that browsers run or take apart, whatever the other fields of the answer say. They are sent as octets. */
const ACTIVE_TYPES =
  /^(?:multipart\/|message\/|text\/(?:html|xml|xsl|javascript)|image\/svg|application\/(?:javascript|xml|xhtml)|.*\+xml)/

/** RFC 6838 section 4.2, which limits the length of both names. */
const PLAIN_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/

/** Returns the content of a part for download. It keeps its type unless a browser would run it. */
export function downloadOf(mediaType: string, octets: Buffer, filename: string): Content {
  const isPassive = PLAIN_TYPE.test(mediaType) && !ACTIVE_TYPES.test(mediaType)
  return new Content(isPassive ? mediaType : 'application/octet-stream', octets, {
    'Content-Disposition': contentDisposition(filename),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  })
}
