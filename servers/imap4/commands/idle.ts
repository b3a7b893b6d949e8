import { defineCommand, noArguments } from '../command.ts'
import { Pusher } from '../push.ts'
import { bad, ok } from '../reply.ts'
import { loggedOn } from '../state.ts'

const MAX_DONE_OCTETS = 1024

/** IDLE: sends changes as they happen, until the client sends DONE. RFC 2177; RFC 9051 section 6.3.13. */
export const idle = defineCommand({
  name: 'IDLE',
  states: loggedOn,
  parse: noArguments,
  async run(session) {
    const { connection } = session
    const pusher = new Pusher(session)
    connection.write('+ idling\r\n')
    pusher.start(true)
    connection.atBoundary()
    let line: string
    try {
      line = await connection.readLine(MAX_DONE_OCTETS, 'latin1')
    } finally {
      await pusher.stop()
    }
    if (line.toUpperCase() !== 'DONE') throw bad('DONE expected.')
    return ok()
  },
})
