import { defineCommand, noArguments } from '../command.ts'
import { done } from '../reply.ts'
import { selected } from '../state.ts'
import { expungeDeleted } from './expunge.ts'

/** UNSELECT: leaves the mailbox as it is. RFC 3691; RFC 9051 section 6.4.2. */
export const unselect = defineCommand({
  name: 'UNSELECT',
  states: selected,
  parse: noArguments,
  run(session) {
    session.deselect()
    return done('unselected')
  },
})

/** CLOSE: removes what is marked, untold, and leaves. RFC 9051 section 6.4.1. */
export const close = defineCommand({
  name: 'CLOSE',
  states: selected,
  parse: noArguments,
  updates: 'none',
  async run(session, { selection }) {
    if (!selection.readOnly && !selection.isGone) await expungeDeleted(session, selection)
    const code = session.enabled.has('QRESYNC') ? `HIGHESTMODSEQ ${selection.highestModSeq}` : undefined
    session.deselect()
    return done('closed', code) // RFC 7162 section 3.2.8
  },
})
