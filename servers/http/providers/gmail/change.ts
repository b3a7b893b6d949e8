import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { parseDate } from '../../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../../src/mail/format/headers.ts'
import { crlfSteps } from '../../../../src/storage/store/formats/format.ts'
import { openFolder } from '../../../../src/storage/store/mailboxes.ts'
import { limitOf } from '../../../../src/storage/store/quota.ts'
import type { Mail } from '../../../../src/storage/store/views/account-history.ts'
import { flagLabels, folderLabels, labelIdOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import { ARCHIVE_NAME } from '../../../../src/storage/store/views/gmail/names.ts'
import { ProviderError } from '../types.ts'
import type { Gmail } from './account.ts'
import { invalid, notFound } from './errors.ts'

/** Returns the ids of the folders of labels: of each, the folder that a message is put into, or all. @throws ProviderError `invalid` */
async function folderIds({ history, store, owner }: Gmail, labels: readonly string[], hasAll: boolean) {
  const ids: string[] = []
  for (const label of labels.filter((one) => !flagLabels.has(one))) {
    const found = [...history.folders.values()].filter((folder) => labelIdOf(folder) === label)
    const system = folderLabels.get(label)
    if (found.length === 0 && !system) throw invalid(`Invalid label: ${label.slice(0, 100)}`)
    if (found.length === 0 && system) found.push(await openFolder(store, owner, system.name, system))
    ids.push(...found.slice(0, hasAll ? found.length : 1).map(({ id }) => id))
  }
  return ids
}

/** Returns the flags that messages get, or lose, with labels. */
const flagsIn = (labels: readonly string[], isGot: boolean): string[] =>
  labels.flatMap((label) => {
    const { flag, isSet } = flagLabels.get(label) ?? {}
    return flag !== undefined && isSet === isGot ? [flag] : []
  })

/** The labels of messages that have no other folder, as in All Mail. */
const EXCLUSIVE: readonly string[] = ['TRASH', 'SPAM']

/** Adds labels to a message and removes others. @throws ProviderError `invalid` for an unknown label; StoreError */
export async function relabel(gmail: Gmail, mail: Mail, add: readonly string[], remove: readonly string[] = []) {
  const { store, owner } = gmail
  const place = add.filter((label) => EXCLUSIVE.includes(label)).slice(0, 1)
  const added = await folderIds(gmail, place.length > 0 ? place : add, false)
  const removed = await folderIds(gmail, add.includes('INBOX') ? [...EXCLUSIVE, ...remove] : remove, true)
  for (const mode of ['add', 'remove'] as const) {
    const flags = [...flagsIn(add, mode === 'add'), ...flagsIn(remove, mode === 'remove')]
    for (const { folder, entry } of flags.length > 0 ? [...mail.copies.values()] : [])
      await store.setFlags(folder.id, [entry.uid], { mode, flags })
  }
  const copies = [...mail.copies.values()]
  const [first] = copies
  if (added.length + removed.length === 0 || !first) return
  const had = new Set(copies.map(({ folder }) => folder.id))
  const all = [...(place.length > 0 ? [] : had)].filter((id) => !removed.includes(id)).concat(added)
  const next = new Set(all.length > 0 ? all : [(await openFolder(store, owner, ARCHIVE_NAME)).id])
  for (const id of next) if (!had.has(id)) await store.copy(first.folder.id, [first.entry.uid], id)
  for (const { folder, entry } of copies) if (!next.has(folder.id)) await store.expunge(folder.id, [entry.uid])
}

/** Deletes all copies of messages. @throws StoreError */
export async function deleteMails({ store }: Gmail, mails: readonly Mail[]): Promise<void> {
  for (const { copies } of mails)
    for (const { folder, entry } of [...copies.values()]) await store.expunge(folder.id, [entry.uid])
}

/**
 * Adds a message with labels and flags. Without a label that is a folder, it is in All Mail only.
 * @param hasOwnDate whether its date is that of its Date field
 * @throws ProviderError `invalid`, `too-large`; StoreError, `over-quota` among others
 */
export async function addMail(
  gmail: Gmail,
  octets: Buffer,
  labels: readonly string[],
  more: readonly string[] = [],
  hasOwnDate = false,
): Promise<Mail> {
  const { call, store, owner, account } = gmail
  if (octets.length === 0) throw invalid("'raw' RFC822 payload message string or uploading message required")
  const { messageSize } = call.context.config.limits
  if (octets.length > messageSize) throw new ProviderError('too-large', `the limit is ${messageSize} octets`)
  const ids = await folderIds(gmail, labels, false)
  const folders = ids.length > 0 ? ids : [(await openFolder(store, owner, ARCHIVE_NAME)).id]
  const raw = await runInSlices(crlfSteps(octets))
  const flags = [...flagsIn(labels, true), ...(labels.includes('UNREAD') ? [] : ['\\Seen']), ...more]
  const limit = await limitOf(store, owner, account.quota)
  const date = hasOwnDate ? parseDate(headerValue(raw, headerFields(raw), 'date') ?? '') : undefined
  const internalDate = date?.getTime() ?? call.context.clock.now()
  const targets = folders.map((folderId) => ({ folderId, flags, limit }))
  const [stored] = await store.append([{ raw, internalDate, targets }])
  const mail = gmail.history.mails.get(`${stored?.entry.blob}`)
  if (mail) return mail
  throw notFound()
}
