import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName, nameForm } from '../mailbox-names.ts'
import { QUOTA_ROOT, type QuotaLimits, quotaLine, quotaResources, setQuotaLimits } from '../quota.ts'
import { bad, done, no } from '../reply.ts'
import { loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** GETQUOTA root. RFC 9208 section 4.1.1. */
export const getQuota = defineCommand({
  name: 'GETQUOTA',
  states: loggedOn,
  parse: quotaRoot,
  async run(session, { identity }, root) {
    checkRoot(root)
    session.say(await quotaLine(session, identity))
    return done('that is the quota')
  },
})

/** GETQUOTAROOT mailbox. Newsgroups count for nobody. RFC 9208 section 4.1.2. */
export const getQuotaRoot = defineCommand({
  name: 'GETQUOTAROOT',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    return mailboxName(cursor, session)
  },
  async run(session, { identity }, name) {
    await findMailbox(session, identity, name)
    const root = isPublic(name) ? '' : ` "${QUOTA_ROOT}"`
    session.say(`* QUOTAROOT ${nameForm(name, session)}${root}\r\n`)
    if (root !== '') session.say(await quotaLine(session, identity))
    return done('that is the quota')
  },
})

/** SETQUOTA root (resource limit …): in a lab, everybody sets their own. RFC 9208 section 4.1.3. */
export const setQuota = defineCommand({
  name: 'SETQUOTA',
  states: loggedOn,
  parse(cursor) {
    const root = quotaRoot(cursor)
    cursor.space()
    const limits: QuotaLimits = {}
    cursor.list(() => {
      const name = cursor.keyword()
      const resource = quotaResources.find((known) => known === name)
      if (!resource) throw bad(`the resource ${name} is not limited here`)
      cursor.space()
      limits[resource] = cursor.number64()
    }, true)
    return { root, limits }
  },
  async run(session, { identity }, { root, limits }) {
    checkRoot(root)
    await setQuotaLimits(session, identity, limits)
    session.say(await quotaLine(session, identity))
    return done('that is the quota now')
  },
})

function quotaRoot(cursor: Cursor): string {
  cursor.space()
  return cursor.astring()
}

function checkRoot(root: string): void {
  if (root !== QUOTA_ROOT) throw no('there is no such quota root', 'NONEXISTENT')
}
