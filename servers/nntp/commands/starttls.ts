import { defineCommand } from '../command.ts'
import { NntpError } from '../reply.ts'

/** STARTTLS: TLS from here on, and everything said before forgotten. RFC 4642 section 2.2. */
export const starttls = defineCommand({
  name: 'STARTTLS',
  async run(session) {
    const { connection, account } = session
    if (connection.tls) throw new NntpError(502, 'the connection is under TLS already')
    if (account) throw new NntpError(502, 'not once logged on')
    if (connection.compressed) throw new NntpError(502, 'not under compression') // RFC 8054 section 2.2.2
    if (!connection.canStartTls) throw new NntpError(580, 'no certificate is assigned to this virtual server')
    session.reply(382, 'continue with TLS negotiation')
    session.forget()
    await connection.startTls()
  },
})
