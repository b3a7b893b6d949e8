import { defineCommand, noArguments } from '../command.ts'
import { bad, done } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { loggedOn } from '../state.ts'
import { tellUpdates } from '../updates.ts'

/** Octets that may lie unsent before changes are held back, put together, until the client takes them. */
const CONGESTED_OCTETS = 64 * 1024

/** IDLE: changes are told at once, until DONE. RFC 2177; RFC 9051 section 6.3.13. */
export const idle = defineCommand({
  name: 'IDLE',
  states: loggedOn,
  parse: noArguments,
  async run(session, state) {
    const { connection } = session
    const selection = state.name === 'selected' ? state.selection : undefined
    connection.write('+ idling\r\n')
    if (selection) tellAtOnce(session, selection)
    let line: string
    try {
      line = await connection.readLine(MAX_DONE_OCTETS, 'latin1')
    } finally {
      if (selection) selection.onChange = undefined
    }
    if (line.toUpperCase() !== 'DONE') throw bad('DONE expected')
    return done('idled')
  },
})

const MAX_DONE_OCTETS = 1024

/** Called by the store, not by a command: what goes wrong ends this session and no other. */
function tellNow(session: Session, selection: Selection): void {
  try {
    tellUpdates(session, selection, true)
    session.connection.flush()
  } catch (error) {
    session.context.log.error({ session: session.connection.record.id, err: error }, 'telling an idle client failed')
    session.connection.destroy()
  }
}

function tellAtOnce(session: Session, selection: Selection): void {
  const { connection } = session
  let scheduled = false
  const tell = (): void => {
    scheduled = false
    if (selection.onChange !== schedule) return
    if (selection.isGone) return session.endSelectedGone()
    if (connection.socket.writableLength > CONGESTED_OCTETS) {
      scheduled = true
      connection.socket.once('drain', tell)
      return
    }
    tellNow(session, selection)
  }
  // Changes of one moment leave in one write.
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    queueMicrotask(tell)
  }
  selection.onChange = schedule
  if (selection.hasUpdates) schedule()
}
