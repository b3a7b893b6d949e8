import type { Owner } from './folder.ts'
import type { HoldLimit, MessageStore } from './types.ts'
import { ALL_MAIL_USE } from './views/gmail/names.ts'

/** How much an account may store. */
interface Quota {
  /** Octets of all its messages. */
  readonly size?: number | undefined
  /** Number of its messages. */
  readonly messages?: number | undefined
  /** How SMTP refuses what exceeds it. Default: defer. */
  readonly exceeded?: 'defer' | 'refuse' | undefined
}

/** The amount that an account has stored. */
export interface QuotaUsage {
  readonly octets: number
  readonly messages: number
}

const stateKey = (owner: Owner): string => `imap4:quota:${owner}`

/** A quota as the store keeps it: STORAGE in units of 1024 octets, as IMAP4 counts. RFC 9208 section 5.1. */
interface SavedQuota {
  readonly STORAGE?: number
  readonly MESSAGE?: number
  readonly exceeded?: 'defer' | 'refuse'
}

/** Returns the quota in force: the one that was set while the lab runs, else the configured one; empty for no limits. */
export async function quotaOf(store: MessageStore, owner: Owner, configured: Quota = {}): Promise<Quota> {
  const saved = store.hasState(stateKey(owner)) ? await store.getState(stateKey(owner)) : undefined
  if (saved === undefined) return configured
  const { STORAGE, MESSAGE, exceeded = configured.exceeded } = JSON.parse(saved) as SavedQuota
  return { size: STORAGE === undefined ? undefined : Math.round(STORAGE * 1024), messages: MESSAGE, exceeded }
}

/** Sets the quota of an account in place of the configured one. Undefined: the configured one applies again. */
export async function setQuota(store: MessageStore, owner: Owner, quota: Quota | undefined): Promise<void> {
  const { size, messages, exceeded } = quota ?? {}
  const saved: SavedQuota = {
    ...(size !== undefined && { STORAGE: size / 1024 }),
    ...(messages !== undefined && { MESSAGE: messages }),
    ...(exceeded !== undefined && { exceeded }),
  }
  await store.setState(stateKey(owner), quota && JSON.stringify(saved))
}

/** Returns what is in all mailboxes of an account. */
export async function usageOf(store: MessageStore, owner: Owner): Promise<QuotaUsage> {
  let octets = 0
  let messages = 0
  for (const folder of await store.listFolders(owner)) {
    if (folder.specialUse === ALL_MAIL_USE) continue // shows what other mailboxes hold
    const status = await store.status(folder.id)
    octets += status.sizeOctets
    messages += status.exists
  }
  return { octets, messages }
}

/** Returns whether an account may have a limit. Reads nothing. */
export const mayHaveQuota = (store: MessageStore, owner: Owner, configured: Quota = {}): boolean =>
  isLimited(configured) || store.hasState(stateKey(owner))

const isLimited = ({ size, messages }: Quota): boolean => size !== undefined || messages !== undefined

/**
 * Returns what the commit of a change checks: whoever else stores messages meanwhile, the quota holds.
 * @param freed what the change removes after it has added something
 */
export async function limitOf(
  store: MessageStore,
  owner: Owner,
  configured: Quota | undefined,
  freed: QuotaUsage = NOTHING,
): Promise<HoldLimit | undefined> {
  if (!mayHaveQuota(store, owner, configured)) return undefined
  const quota = await quotaOf(store, owner, configured)
  if (!isLimited(quota)) return undefined
  const { size, messages } = quota
  return {
    octets: size === undefined ? undefined : size + freed.octets,
    messages: messages === undefined ? undefined : messages + freed.messages,
  }
}

const NOTHING: QuotaUsage = { octets: 0, messages: 0 }

/** Returns the quota that storing this much more would exceed; undefined if there is room. */
export async function exceededQuota(
  store: MessageStore,
  owner: Owner,
  configured: Quota | undefined,
  more: QuotaUsage,
): Promise<Quota | undefined> {
  const quota = await quotaOf(store, owner, configured)
  if (!isLimited(quota)) return undefined
  const { size, messages } = quota
  const used = await usageOf(store, owner)
  const isOver =
    used.octets + more.octets > (size ?? Number.POSITIVE_INFINITY) ||
    used.messages + more.messages > (messages ?? Number.POSITIVE_INFINITY)
  return isOver ? quota : undefined
}
