import { defineCommand, type NntpCommand } from '../command.ts'
import { NntpError } from '../reply.ts'

/** DATE: the time in UTC, `yyyymmddhhmmss`. RFC 3977 section 7.1. Open to everyone, because newsreaders use it as keep-alive. */
export const date = defineCommand({
  name: 'DATE',
  run: (session) =>
    session.reply(111, new Date(session.context.clock.now()).toISOString().slice(0, 19).replace(/[-:T]/g, '')),
})

/** Defines HELP. Takes the command table as a function, because the table contains HELP. RFC 3977 section 7.2. */
export const helpFor = (commands: () => readonly NntpCommand[]): NntpCommand =>
  defineCommand({
    name: 'HELP',
    run(session) {
      const lines = commands().map(({ name, syntax }) => `  ${name} ${syntax}`.trimEnd())
      session.replyLines(100, 'Help text follows', lines)
    },
  })

/** MODE READER: this server always serves readers, so the reply only repeats whether posting is allowed. RFC 3977 section 5.3. */
export const modeReader = defineCommand({
  name: 'MODE READER',
  run: (session) => session.reply(...session.welcome),
})

/** STARTTLS: starts TLS and discards everything the client sent before. RFC 4642 section 2.2. */
export const starttls = defineCommand({
  name: 'STARTTLS',
  async run(session) {
    const { connection, account, isAnonymous } = session
    if (connection.tls) throw new NntpError(502, 'TLS is already active')
    if (account || isAnonymous) throw new NntpError(502, 'Already authenticated')
    if (connection.compressed) throw new NntpError(502, 'Compression is active') // RFC 8054 section 2.2.2
    if (!connection.canStartTls) throw new NntpError(580, 'TLS is not available: no certificate is assigned')
    session.reply(382, 'Continue with TLS negotiation')
    session.forget()
    await connection.startTls()
    if (session.peer) connection.logon.succeeded() // a peer that is known by address
  },
})

/** COMPRESS DEFLATE. RFC 8054 section 2.2. */
export const compress = defineCommand<string>({
  name: 'COMPRESS',
  syntax: 'DEFLATE',
  args: [1, 1],
  parse: ([algorithm = '']) => algorithm.toUpperCase(),
  run(session, algorithm) {
    if (session.connection.compressed) throw new NntpError(502, 'Compression is already active')
    if (algorithm !== 'DEFLATE') throw new NntpError(503, 'Unknown compression algorithm')
    session.connection.reserveCompression()
    session.reply(206, 'Compression active')
    return session.connection.startCompression()
  },
})

/** QUIT. RFC 3977 section 5.4. */
export const quit = defineCommand({
  name: 'QUIT',
  run(session) {
    session.reply(205, 'Connection closing')
    session.quit()
  },
})
