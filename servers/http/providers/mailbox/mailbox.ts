import type { Account } from '../../../../src/accounts/directory/types.ts'
import type { Caller } from '../../../../src/api/caller.ts'
import { invoke } from '../../../../src/api/invoke.ts'
import { seenMessage, selectStored } from '../../../../src/api/messages/find.ts'
import { type IndexedMessage, messageId } from '../../../../src/api/messages/message-index.ts'
import { type Condition, conditionOn } from '../../../../src/api/messages/search.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { accountOwner, type Folder, type Owner } from '../../../../src/storage/store/folder.ts'
import { crlfSteps } from '../../../../src/storage/store/formats/format.ts'
import { ensureMailboxes } from '../../../../src/storage/store/mailboxes.ts'
import type { MessageEntry } from '../../../../src/storage/store/message-entry.ts'
import { limitOf } from '../../../../src/storage/store/quota.ts'
import type { SelectionPart } from '../../../../src/storage/store/selection.ts'
import type { MessageStore } from '../../../../src/storage/store/types.ts'
import { accountIn } from '../account-mail.ts'
import { type ProviderCall, ProviderError } from '../types.ts'

/** The mail of an account, as the API of a provider reads and changes it. Its ids are those of the API of the lab. */
export interface AccountMailbox {
  readonly call: ProviderCall
  readonly account: Account
  /** The address of the account in the domain of the lab. */
  readonly address: string
  readonly owner: Owner
  /** The account itself, so that the operations of the lab find and change only its mail. */
  readonly caller: Caller
  readonly store: MessageStore
}

/** Returns the mailbox of a request, with the folders of a new account. @throws ProviderError for another account; StoreError */
export async function mailboxOf(call: ProviderCall): Promise<AccountMailbox> {
  const { user, address } = accountIn(call)
  const { api } = call
  const account = api.lab.directory.find(user)
  if (!account) throw new ProviderError('unverified-sender', address)
  const owner = accountOwner((await api.lab.directory.add(account)).account.user)
  await ensureMailboxes(api.lab.store, owner)
  const caller = { role: 'account', name: account.user, seesCaptured: false } as const
  return { call, account, address, owner, caller, store: api.lab.store }
}

/** Runs an operation of the API of the lab as the account. @throws ApiProblem, StoreError */
export const ask = ({ call, caller }: AccountMailbox, name: string, input: object): Promise<unknown> =>
  invoke(call.api, caller, { name, input }, call.c.req.raw.signal)

/** Returns a folder of the account; undefined for any other. */
export function folderById({ owner, store }: AccountMailbox, id: string): Folder | undefined {
  const found = store.folderOf(id)
  return found?.owner === owner ? found : undefined
}

/** A draft whose content was replaced keeps its id, as a keyword of the new message. */
const REPLACES = '$draft-'
/** Returns the keyword of a message that replaces another. */
export const replaces = (message: IndexedMessage): string => REPLACES + shownId(message)
/** Returns the id of a message, or that of the message that it replaces in its folder. */
export const shownId = ({ id, folder, entry }: IndexedMessage): string =>
  entry.flags.find((flag) => flag.startsWith(`${REPLACES}${folder.id}.`))?.slice(REPLACES.length) ?? id

/** Returns a message of the account by its id. @throws ProviderError `not-found` */
export async function messageById(mailbox: AccountMailbox, id: string): Promise<IndexedMessage> {
  const found = await seenMessage(mailbox.call.api, mailbox.caller, id)
  if (found?.folder.owner === mailbox.owner) return found
  const flag = REPLACES + id
  const stored = { flag, negated: false }
  const condition = { key: flag, negated: false, ofEntry: flagTest(flag), stored }
  const { messages } = await findMessages(mailbox, [condition])
  return messages.find((one) => shownId(one) === id) ?? gone()
}

const flagTest =
  (flag: string) =>
  ({ entry }: IndexedMessage): boolean =>
    entry.flags.includes(flag)

/** @throws ProviderError `not-found` */
export const gone = (): never => {
  throw new ProviderError('not-found', 'The specified object was not found in the store.')
}

/** Returns the condition that a message is in a folder. */
export const inFolder = ({ id }: Folder): Condition => ({
  key: JSON.stringify(['in-folder', id]),
  negated: false,
  ofFolder: (folder) => folder.id === id,
  ofEntry: ({ folder }) => folder.id === id,
})

/** Messages of an account, the newest first. */
interface Found {
  readonly messages: readonly IndexedMessage[]
  /** How many there are besides those of the part. */
  readonly total: number
}

/**
 * Returns a part of the messages of an account that meet conditions, the newest first: those that were saved last. A
 * database finds them if it can test the conditions; else the index of the API does.
 */
export async function findMessages(
  { call: { api }, caller, account }: AccountMailbox,
  conditions: readonly Condition[],
  part: SelectionPart = { limit: Number.MAX_SAFE_INTEGER },
): Promise<Found> {
  const all = [conditionOn('account', account.user), ...conditions]
  const selected = await selectStored({ api, caller }, all, part)
  if (selected) return selected
  const found = await api.views.find(caller, all)
  const { offset = 0, limit, after } = part
  const start = offset + (after ? startAfter(found, after) : 0)
  return { messages: found.slice(start, start + limit), total: found.length }
}

/** Finds where a list continues after a message, or at its time if it is gone. */
function startAfter(found: readonly IndexedMessage[], { savedAt, folderId, uid }: NonNullable<SelectionPart['after']>) {
  const last = found.findIndex(({ id }) => id === messageId(folderId, uid))
  const start = last === -1 ? found.findIndex(({ entry }) => entry.savedAt <= savedAt) : last + 1
  return start === -1 ? found.length : start
}

/** Adds a message to a folder of the account. @throws StoreError, `over-quota` among others */
export async function addMessage(
  { call, account, owner, store }: AccountMailbox,
  folder: Folder,
  octets: Buffer,
  flags: readonly string[] = [],
): Promise<IndexedMessage> {
  const raw = await runInSlices(crlfSteps(octets))
  const limit = await limitOf(store, owner, account.quota)
  const targets = [{ folderId: folder.id, flags, limit }]
  const [stored] = await store.append([{ raw, internalDate: call.context.clock.now(), targets }])
  const { entry } = stored as { entry: MessageEntry }
  return { id: messageId(folder.id, entry.uid), folder, entry, order: 0 }
}

/** The state of a folder that a client has seen. */
interface FolderState {
  readonly uidValidity: number
  /** Modification sequence. RFC 7162 */
  readonly modSeq: number
}

/** Returns the present state of a folder. @throws StoreError `not-found` */
export const stateOf = async (store: MessageStore, { id, uidValidity }: Folder): Promise<FolderState> => ({
  uidValidity,
  modSeq: (await store.status(id)).highestModSeq,
})

/** The messages of a folder that are new or changed after a state, and those that are gone. */
interface FolderChanges {
  /** In uid order. */
  readonly entries: readonly MessageEntry[]
  readonly gone: readonly number[]
  /** The state up to which these are all changes. Later ones may be among them already. */
  readonly state: FolderState
}

/** Returns the changes of a folder since a state. Undefined if the folder was created again, or is of another account. */
export async function changesSince(
  mailbox: AccountMailbox,
  folderId: string,
  { uidValidity, modSeq }: FolderState,
): Promise<FolderChanges | undefined> {
  const folder = folderById(mailbox, folderId)
  if (folder?.uidValidity !== uidValidity) return undefined
  const { store } = mailbox
  const state = await stateOf(store, folder)
  // The database may have lost changes that a client has seen: their numbers are given again.
  if (state.modSeq < modSeq) return undefined
  const [entries, gone] = await Promise.all([
    store.changedSince(folderId, modSeq),
    store.vanishedSince(folderId, modSeq),
  ])
  return { entries, gone, state }
}
