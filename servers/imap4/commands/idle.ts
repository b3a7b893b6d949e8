import { defineCommand, noArguments } from '../command.ts'
import { bad, ok } from '../reply.ts'
import type { Selection } from '../selection.ts'
import { type ImapSession, loggedOn } from '../state.ts'
import { sendUpdates } from '../updates.ts'

/** While more octets than this are unsent, changes are collected instead of sent. */
const CONGESTED_OCTETS = 64 * 1024
const MAX_DONE_OCTETS = 1024

/** IDLE: sends changes as they happen, until the client sends DONE. RFC 2177; RFC 9051 section 6.3.13. */
export const idle = defineCommand({
  name: 'IDLE',
  states: loggedOn,
  parse: noArguments,
  async run(session, state) {
    const { connection } = session
    const selection = state.name === 'selected' ? state.selection : undefined
    connection.write('+ idling\r\n')
    if (selection) sendOnChange(session, selection)
    let line: string
    try {
      line = await connection.readLine(MAX_DONE_OCTETS, 'latin1')
    } finally {
      if (selection) selection.onChange = undefined
    }
    if (line.toUpperCase() !== 'DONE') throw bad('DONE expected.')
    return ok()
  },
})

function sendOnChange(session: ImapSession, selection: Selection): void {
  const { connection } = session
  let scheduled = false
  const update = (): void => {
    scheduled = false
    if (selection.onChange !== schedule) return
    if (selection.isDeleted) return session.endAfterMailboxDeletion()
    if (connection.socket.writableLength > CONGESTED_OCTETS) {
      scheduled = true
      connection.socket.once('drain', update)
      return
    }
    sendNow(session, selection)
  }
  // Changes made in the same moment are sent in one write.
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    queueMicrotask(update)
  }
  selection.onChange = schedule
  if (selection.hasUpdates) schedule()
}

/** Sends the changes. Runs in an event of another session, so an error must end this session only. */
function sendNow(session: ImapSession, selection: Selection): void {
  try {
    sendUpdates(session, selection, true)
    session.connection.flush()
  } catch (error) {
    session.context.log.error({ session: session.connection.record.id, err: error }, 'imap4: update in IDLE failed')
    session.connection.destroy()
  }
}
