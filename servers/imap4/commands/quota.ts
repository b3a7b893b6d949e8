import type { Account } from '../../../src/accounts/directory/types.ts'
import { accountOf, type Folder } from '../../../src/storage/store/folder.ts'
import {
  exceededQuota,
  limitOf,
  mayHaveQuota,
  type QuotaUsage,
  quotaOf,
  setQuota as setQuotaOf,
  usageOf,
} from '../../../src/storage/store/quota.ts'
import type { HoldLimit } from '../../../src/storage/store/types.ts'
import { defineCommand } from '../command.ts'
import { encodeMailboxName, isCaptured, isOther, isPublic, readMailboxName } from '../mailbox-names.ts'
import { bad, type ImapError, no, ok } from '../reply.ts'
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
    const found = root === QUOTA_ROOT ? await quotaResponse(session, identity) : undefined
    if (found === undefined) throw noRoot()
    session.send(found)
    return ok()
  },
})

/**
 * GETQUOTAROOT mailbox, which need not exist. Newsgroups, captured mail and accounts without limits have no quota root.
 * RFC 9208 section 4.1.2.
 */
export const getQuotaRoot = defineCommand({
  name: 'GETQUOTAROOT',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    return readMailboxName(cursor, session)
  },
  async run(session, { identity }, name) {
    const found =
      isPublic(name) || isCaptured(name) || isOther(name) ? undefined : await quotaResponse(session, identity)
    const root = found === undefined ? '' : ` "${QUOTA_ROOT}"`
    session.send(`* QUOTAROOT ${encodeMailboxName(name, session)}${root}\r\n${found ?? ''}`)
    return ok()
  },
})

/**
 * SETQUOTA root (resource limit …). In a lab, every account sets its own limits. An empty list removes the limits, and the
 * quota root with them. RFC 9208 section 4.1.3.
 */
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
    if (root !== QUOTA_ROOT) throw noRoot()
    const { STORAGE, MESSAGE } = limits
    const isUnlimited = STORAGE === undefined && MESSAGE === undefined
    const quota = { size: STORAGE === undefined ? undefined : STORAGE * 1024, messages: MESSAGE }
    await setQuotaOf(session.context.store, identity.owner, isUnlimited ? undefined : quota)
    const response = await quotaResponse(session, identity)
    if (response !== undefined) session.send(response)
    return ok()
  },
})

/**
 * Checks that the account may store more. Returns a promise only if there is a quota.
 * @param more returns how much; not called for an account without a quota
 * @throws ImapError OVERQUOTA. RFC 9208 section 4.3.3
 */
export function checkQuota(
  { context: { store } }: ImapSession,
  { owner, account }: ReturnType<typeof holderOf>,
  more: () => QuotaUsage,
): Promise<void> | undefined {
  if (!mayHaveQuota(store, owner, account.quota)) return undefined
  return exceededQuota(store, owner, account.quota, more()).then((exceeded) => {
    if (exceeded) throw no('The quota would be exceeded.', 'OVERQUOTA')
  })
}

/** Returns what the commit of a change checks. @param freed what the change removes afterwards */
export const holdLimit = (
  { context: { store } }: ImapSession,
  { owner, account }: ReturnType<typeof holderOf>,
  freed?: QuotaUsage,
): Promise<HoldLimit | undefined> => limitOf(store, owner, account.quota, freed)

/** A message counts towards the quota of the mailbox's owner. RFC 9208 section 3.1.1. */
export function holderOf(
  { context: { directory } }: ImapSession,
  identity: Identity,
  folder: Folder,
): Pick<Identity, 'owner'> & { readonly account: Pick<Account, 'quota'> } {
  const user = accountOf(folder)
  if (user === undefined || folder.owner === identity.owner) return identity
  return { owner: folder.owner, account: directory.find(user) ?? {} }
}

function quotaRoot(cursor: Cursor): string {
  cursor.space()
  return cursor.astring()
}

const noRoot = (): ImapError => no('The quota root does not exist.', 'NONEXISTENT')

/**
 * Returns `* QUOTA "" (STORAGE 10 512)`. Leaves out resources without a limit; undefined if none has one.
 * RFC 9208 section 4.2.1.
 */
async function quotaResponse(session: ImapSession, identity: Identity): Promise<string | undefined> {
  const { store } = session.context
  const quota = await quotaOf(store, identity.owner, identity.account.quota)
  const limits: QuotaLimits = {
    ...(quota.size !== undefined && { STORAGE: Math.ceil(quota.size / 1024) }),
    ...(quota.messages !== undefined && { MESSAGE: quota.messages }),
  }
  if (limits.STORAGE === undefined && limits.MESSAGE === undefined) return undefined
  const { octets, messages } = await usageOf(store, identity.owner)
  const used: Record<QuotaResource, number> = { STORAGE: Math.ceil(octets / 1024), MESSAGE: messages }
  const listed = quotaResources.flatMap((name) =>
    limits[name] === undefined ? [] : [`${name} ${used[name]} ${limits[name]}`],
  )
  return `* QUOTA "${QUOTA_ROOT}" (${listed.join(' ')})\r\n`
}
