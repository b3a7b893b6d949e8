import {
  exceededQuota,
  mayHaveQuota,
  type QuotaUsage,
  quotaOf,
  setQuota as setQuotaOf,
  usageOf,
} from '../../../src/store/quota.ts'
import { defineCommand } from '../command.ts'
import { encodeMailboxName, findMailbox, isCaptured, isPublic, readMailboxName } from '../mailbox-names.ts'
import { bad, no, ok } from '../reply.ts'
import { type Identity, type ImapSession, loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** The resources that can be limited: storage in kibibytes, and the number of messages. RFC 9208 section 5. */
const quotaResources = ['STORAGE', 'MESSAGE'] as const
type QuotaResource = (typeof quotaResources)[number]
type QuotaLimits = Partial<Record<QuotaResource, number>>

/** An account's only quota root, which covers all its mailboxes. */
const QUOTA_ROOT = ''

/** GETQUOTA root. RFC 9208 section 4.1.1. */
export const getQuota = defineCommand({
  name: 'GETQUOTA',
  states: loggedOn,
  parse: quotaRoot,
  async run(session, { identity }, root) {
    checkRoot(root)
    session.send(await quotaResponse(session, identity))
    return ok()
  },
})

/** GETQUOTAROOT mailbox. Newsgroups and captured mail have no quota root. RFC 9208 section 4.1.2. */
export const getQuotaRoot = defineCommand({
  name: 'GETQUOTAROOT',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    return readMailboxName(cursor, session)
  },
  async run(session, { identity }, name) {
    await findMailbox(session, identity, name)
    const root = isPublic(name) || isCaptured(name) ? '' : ` "${QUOTA_ROOT}"`
    session.send(`* QUOTAROOT ${encodeMailboxName(name, session)}${root}\r\n`)
    if (root !== '') session.send(await quotaResponse(session, identity))
    return ok()
  },
})

/** SETQUOTA root (resource limit …). In a lab, every account sets its own limits. RFC 9208 section 4.1.3. */
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
      if (!resource) throw bad(`The resource ${name} cannot be limited.`)
      cursor.space()
      limits[resource] = cursor.number64()
    }, true)
    return { root, limits }
  },
  async run(session, { identity }, { root, limits }) {
    checkRoot(root)
    const { STORAGE, MESSAGE } = limits
    const isUnlimited = STORAGE === undefined && MESSAGE === undefined
    const quota = { size: STORAGE === undefined ? undefined : STORAGE * 1024, messages: MESSAGE }
    await setQuotaOf(session.context.store, identity.owner, isUnlimited ? undefined : quota)
    session.send(await quotaResponse(session, identity))
    return ok()
  },
})

/**
 * Checks that the account may store more.
 * @param more returns how much; not called for an account without a quota
 * @throws ImapError OVERQUOTA. RFC 9208 section 4.3.3
 */
export async function checkQuota(
  { context: { store } }: ImapSession,
  { owner, account }: Identity,
  more: () => QuotaUsage,
): Promise<void> {
  if (!mayHaveQuota(store, owner, account.quota)) return
  const exceeded = await exceededQuota(store, owner, account.quota, more())
  if (exceeded) throw no('The quota would be exceeded.', 'OVERQUOTA')
}

function quotaRoot(cursor: Cursor): string {
  cursor.space()
  return cursor.astring()
}

function checkRoot(root: string): void {
  if (root !== QUOTA_ROOT) throw no('The quota root does not exist.', 'NONEXISTENT')
}

/** Returns `* QUOTA "" (STORAGE 10 512)`. Leaves out resources without a limit. RFC 9208 section 4.2.1. */
async function quotaResponse(session: ImapSession, identity: Identity): Promise<string> {
  const { store } = session.context
  const quota = await quotaOf(store, identity.owner, identity.account.quota)
  const limits: QuotaLimits = {
    ...(quota.size !== undefined && { STORAGE: Math.ceil(quota.size / 1024) }),
    ...(quota.messages !== undefined && { MESSAGE: quota.messages }),
  }
  const { octets, messages } = await usageOf(store, identity.owner)
  const used: Record<QuotaResource, number> = { STORAGE: Math.ceil(octets / 1024), MESSAGE: messages }
  const listed = quotaResources.flatMap((name) =>
    limits[name] === undefined ? [] : [`${name} ${used[name]} ${limits[name]}`],
  )
  return `* QUOTA "${QUOTA_ROOT}" (${listed.join(' ')})\r\n`
}
