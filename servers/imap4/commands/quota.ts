import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName, nameForm } from '../mailbox-names.ts'
import { bad, done, no } from '../reply.ts'
import type { Session } from '../session.ts'
import { type Identity, loggedOn } from '../state.ts'
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

/** What can be limited: kibibytes, and messages. RFC 9208 section 5. */
export const quotaResources = ['STORAGE', 'MESSAGE'] as const
export type QuotaResource = (typeof quotaResources)[number]
export type QuotaLimits = Partial<Record<QuotaResource, number>>

/** An account's one quota root, over all its mailboxes. */
export const QUOTA_ROOT = ''

const stateKey = ({ owner }: Identity): string => `imap4:quota:${owner}`

export async function quotaLimits({ context }: Session, identity: Identity): Promise<QuotaLimits> {
  const kept = await context.store.getState(stateKey(identity))
  return kept === undefined ? {} : (JSON.parse(kept) as QuotaLimits)
}

export async function setQuotaLimits({ context }: Session, identity: Identity, limits: QuotaLimits): Promise<void> {
  const isFree = Object.keys(limits).length === 0
  await context.store.setState(stateKey(identity), isFree ? undefined : JSON.stringify(limits))
}

/** What the account's mailboxes hold now. */
async function usage({ context }: Session, { owner }: Identity): Promise<{ octets: number; messages: number }> {
  let octets = 0
  let messages = 0
  for (const folder of await context.store.listFolders(owner)) {
    const status = await context.store.status(folder.id)
    octets += status.sizeOctets
    messages += status.exists
  }
  return { octets, messages }
}

/** `* QUOTA "" (STORAGE 10 512)`: resources without a limit are not listed. RFC 9208 section 4.2.1. */
export async function quotaLine(session: Session, identity: Identity): Promise<string> {
  const limits = await quotaLimits(session, identity)
  const { octets, messages } = await usage(session, identity)
  const used: Record<QuotaResource, number> = { STORAGE: Math.ceil(octets / 1024), MESSAGE: messages }
  const listed = quotaResources.flatMap((name) =>
    limits[name] === undefined ? [] : [`${name} ${used[name]} ${limits[name]}`],
  )
  return `* QUOTA "${QUOTA_ROOT}" (${listed.join(' ')})\r\n`
}

/** @throws ImapError OVERQUOTA where so much more would be too much. RFC 9208 section 4.3.3 */
export async function checkQuota(
  session: Session,
  identity: Identity,
  octets: number,
  messages: number,
): Promise<void> {
  const limits = await quotaLimits(session, identity)
  if (limits.STORAGE === undefined && limits.MESSAGE === undefined) return
  const used = await usage(session, identity)
  const isOver =
    used.octets + octets > (limits.STORAGE ?? Number.POSITIVE_INFINITY) * 1024 ||
    used.messages + messages > (limits.MESSAGE ?? Number.POSITIVE_INFINITY)
  if (isOver) throw no('that is more than the quota lets', 'OVERQUOTA')
}
