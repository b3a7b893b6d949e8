import { defineCommand, noArguments } from '../command.ts'
import { bad, done } from '../reply.ts'
import { notAuthenticated } from '../state.ts'

/** STARTTLS. RFC 9051 section 6.2.1. */
export const starttls = defineCommand({
  name: 'STARTTLS',
  states: notAuthenticated,
  parse: noArguments,
  run(session) {
    const { connection } = session
    if (connection.tls) throw bad('TLS is on already')
    if (!connection.canStartTls) throw bad('no certificate is assigned to this virtual server')
    return {
      ...done('begin TLS negotiation now'),
      async after() {
        await connection.startTls()
        session.forget()
      },
    }
  },
})
