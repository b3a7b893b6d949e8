import { defineCommand } from '../command.ts'
import { mailboxName } from '../mailbox-names.ts'
import { done } from '../reply.ts'
import type { Session } from '../session.ts'
import { type Identity, loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** SUBSCRIBE mailbox: the name, whether there is such a mailbox or not. RFC 9051 section 6.3.7. */
export const subscribe = defineCommand({
  name: 'SUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  run: (session, { identity }, name) => setSubscribed(session, identity, name, true),
})

/** UNSUBSCRIBE mailbox. RFC 9051 section 6.3.8. */
export const unsubscribe = defineCommand({
  name: 'UNSUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  run: (session, { identity }, name) => setSubscribed(session, identity, name, false),
})

function oneMailbox(cursor: Cursor, session: Session): string {
  cursor.space()
  return mailboxName(cursor, session)
}

async function setSubscribed({ context }: Session, { owner }: Identity, name: string, subscribed: boolean) {
  await context.store.setSubscribed(owner, name, subscribed)
  return done(subscribed ? 'subscribed' : 'unsubscribed')
}
