import { defineCommand, noArguments } from '../command.ts'
import { PUBLIC_ROOT } from '../mailbox-names.ts'
import { done } from '../reply.ts'
import { loggedOn } from '../state.ts'

/** NAMESPACE: one's own mailboxes, nobody else's, and the newsgroups. RFC 2342; RFC 9051 section 6.3.10. */
export const namespace = defineCommand({
  name: 'NAMESPACE',
  states: loggedOn,
  parse: noArguments,
  run(session) {
    session.say(`* NAMESPACE (("" "/")) NIL (("${PUBLIC_ROOT}/" "/"))\r\n`)
    return done('those are the namespaces')
  },
})
