import { inAuthorization } from '../command.ts'
import { Pop3Error } from '../errors.ts'
import type { Pop3Reply } from '../reply.ts'

/** STLS: TLS from here on, and everything said before forgotten. RFC 2595 section 4. */
export const stls = inAuthorization({
  name: 'STLS',
  run(session): Pop3Reply {
    const { connection } = session
    if (connection.tls) throw new Pop3Error('the connection is under TLS already')
    if (!connection.canStartTls) throw new Pop3Error('no certificate is assigned to this virtual server')
    return {
      text: 'begin TLS negotiation',
      async afterwards() {
        await connection.startTls()
        session.state = { name: 'authorization' }
      },
    }
  },
})
