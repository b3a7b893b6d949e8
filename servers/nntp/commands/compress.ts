import { defineCommand } from '../command.ts'
import { NntpError } from '../reply.ts'

/** COMPRESS DEFLATE. RFC 8054 section 2.2. */
export const compress = defineCommand<string>({
  name: 'COMPRESS',
  syntax: 'DEFLATE',
  args: [1, 1],
  parse: ([algorithm = '']) => algorithm.toUpperCase(),
  run(session, algorithm) {
    if (session.connection.compressed) throw new NntpError(502, 'compression is active already')
    if (algorithm !== 'DEFLATE') throw new NntpError(503, 'compression algorithm not known')
    session.reply(206, 'compression active')
    session.connection.startCompression()
  },
})
