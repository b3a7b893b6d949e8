import type { ProtocolService } from '../service.ts'
import { responseLine } from './reply.ts'
import { NntpSession } from './session.ts'

/**
 * NNTP. RFC 3977, with RFC 4642 and RFC 8143 (TLS), RFC 4643 (log-on), RFC 4644 (streaming), RFC 6048 (LIST), RFC 8054
 * (compression), and what older clients use (RFC 2980).
 */
export const nntp: ProtocolService = {
  protocol: 'nntp',
  alpn: ['nntp'],
  async serve(connection, context) {
    if (!context.news) throw new Error('an NNTP virtual server needs the newsService of its lab')
    await new NntpSession(connection, context, context.news).serve()
  },
  // RFC 3977 section 5.1: 400 for a while, 502 for good.
  busy: () => responseLine(400, 'too many connections, try again later').trimEnd(),
}
