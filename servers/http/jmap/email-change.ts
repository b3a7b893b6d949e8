import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { originOf } from '../../../src/api/caller.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { limitOf } from '../../../src/storage/store/quota.ts'
import { octetsOfBlob } from './blobs.ts'
import { isUtcDate } from './checks.ts'
import { blobIdsOf, readDraft, written } from './email-draft.ts'
import { emailPlace, isDeleted, systemFlags, trueFor } from './mails.ts'
import { patchedObject, realId } from './standard.ts'
import { invalidProperties, type JsonObject, type MethodCall, notFound, SetError } from './types.ts'

/** The properties with which an Email is stored. */
export interface Placement {
  readonly folderIds: readonly string[]
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. Default: now. */
  readonly receivedAt: number | undefined
}

/** Keywords of an Email at most, as in IMAP, and Mailboxes that it may be in. */
const MAX_KEYWORDS = 200
export const MAX_MAILBOXES = 1_000
/** RFC 8621 section 4.1.1 */
const KEYWORD = /^[!#$&'+-Z[^-z|}~]{1,255}$/

const flagOf = (keyword: string): string => systemFlags.get(keyword.toLowerCase()) ?? keyword.toLowerCase()

/** Returns the ids of the folders that `mailboxIds` names. @throws SetError */
function folderIdsIn(call: MethodCall, mailboxIds: unknown): string[] {
  const ids = keysIn('mailboxIds', mailboxIds).map((id) => realId(call, id))
  const unknown = ids.filter((id) => !call.account.history.folders.has(id))
  // RFC 8621 section 4.1.1
  if (ids.length === 0) throw invalidProperties(['mailboxIds'], 'an Email is in one Mailbox at least')
  if (unknown.length > 0)
    throw invalidProperties(['mailboxIds'], `there is no Mailbox ${unknown.join(', ').slice(0, 200)}`)
  if (ids.length > MAX_MAILBOXES) throw new SetError('tooManyMailboxes', `the limit is ${MAX_MAILBOXES}`)
  return [...new Set(ids)]
}

/** Returns the flags that `keywords` names. @throws SetError */
function flagsIn(keywords: unknown): string[] {
  const names = keysIn('keywords', keywords ?? {})
  const wrong = names.filter((name) => !KEYWORD.test(name))
  if (wrong.length > 0) throw invalidProperties(['keywords'], `${wrong.join(', ').slice(0, 200)} cannot be a keyword`)
  if (names.length > MAX_KEYWORDS) throw new SetError('tooManyKeywords', `the limit is ${MAX_KEYWORDS}`)
  return [...new Set(names.map(flagOf))]
}

/** Returns the keys of a map whose values are all true. @throws SetError `invalidProperties` */
function keysIn(name: string, value: unknown): string[] {
  if (isMapping(value) && Object.values(value).every((one) => one === true)) return Object.keys(value)
  throw invalidProperties([name], `${name} is not a map of keys to true`)
}

/** Reads the properties of a new Email that are not in its octets. @throws SetError */
export async function placementIn(call: MethodCall, object: JsonObject): Promise<Placement> {
  const { mailboxIds, keywords, receivedAt = null } = object
  if (receivedAt !== null && !isUtcDate(receivedAt))
    throw invalidProperties(['receivedAt'], 'receivedAt is not a date in UTC')
  const ms = receivedAt === null ? undefined : Date.parse(receivedAt)
  await call.account.history.settled()
  return { folderIds: folderIdsIn(call, mailboxIds ?? {}), flags: flagsIn(keywords), receivedAt: ms }
}

/** Stores a message. Returns what the server has set of the Email. @throws SetError; MemoryLimitReached, StoreError */
export async function storeEmail(
  call: MethodCall,
  octets: Buffer,
  { folderIds, flags, receivedAt }: Placement,
): Promise<JsonObject & { id: string }> {
  const { account, context } = call
  const { store, owner, history } = account
  assertSize(call, octets.length)
  const raw = await runInSlices(crlfSteps(octets))
  const limit = await limitOf(store, owner, account.account.quota)
  const targets = folderIds.map((folderId) => ({ folderId, flags, limit }))
  const internalDate = receivedAt ?? context.clock.now()
  const [stored] = await asSetErrors(() => store.append([{ raw, internalDate, targets }], originOf(account.caller)))
  const { blob: id = '', sizeOctets: size } = stored?.entry ?? {}
  await history.settled()
  const mail = history.mails.get(id)
  const [threadId = id] = mail ? await history.threadIds([mail]) : []
  return { id, blobId: id, threadId, size }
}

/** @throws SetError `tooLarge` */
function assertSize({ context }: MethodCall, size: number): void {
  const { messageSize } = context.latest().config.limits
  if (size > messageSize) throw new SetError('tooLarge', `the limit is ${messageSize} octets`, { maxSize: messageSize })
}

/** RFC 8620 section 5.3 */
const SET_ERRORS: Readonly<Partial<Record<StoreError['code'], string>>> = {
  'over-quota': 'overQuota',
  'no-space': 'overQuota',
  'not-found': 'notFound',
}

/** @throws SetError for an error of the store that concerns one object */
async function asSetErrors<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    const type = error instanceof StoreError ? SET_ERRORS[error.code] : undefined
    throw type === undefined ? error : new SetError(type, (error as StoreError).message)
  }
}

/** Creates an Email. RFC 8621 section 4.6. @throws SetError */
export async function createEmail(call: MethodCall, object: JsonObject): Promise<JsonObject & { id: string }> {
  const draft = readDraft(object)
  const placement = await placementIn(call, object)
  using memory = call.api.lab.intake.memory.reservation('messages')
  const blobs = new Map<string, Buffer>()
  const missing: string[] = []
  let size = 0
  for (const given of blobIdsOf(draft.root)) {
    const id = realId(call, given)
    const octets = blobs.get(given) ?? (await octetsOfBlob(call, id))
    if (octets && !blobs.has(given)) memory.grow(2 * octets.length)
    if (octets) blobs.set(given, octets)
    else if (!missing.includes(given)) missing.push(given)
    size += octets?.length ?? 0
    assertSize(call, size)
    if (isSliceOver()) await nextSlice()
  }
  // RFC 8621 section 4.6
  if (missing.length > 0)
    throw new SetError('blobNotFound', `there is no blob ${missing.join(', ')}`, { notFound: missing })
  const { context, account } = call
  const own = {
    'message-id': `Message-ID: <${randomUUID()}@${account.address.split('@').at(-1)}>`,
    date: `Date: ${formatDate(context.clock.now())}`,
    'mime-version': 'MIME-Version: 1.0',
  }
  const added = Object.entries(own).filter(([name]) => !draft.fields.has(name))
  const octets = Buffer.concat(written(draft.root, blobs, [...draft.header, ...added.map(([, line]) => line)]))
  memory.grow(octets.length)
  return storeEmail(call, octets, placement)
}

/**
 * Changes the keywords and Mailboxes of an Email. RFC 8621 section 4.6.
 * @param current returns properties of the Email that the patch may repeat
 * @throws SetError
 */
export async function updateEmail(
  call: MethodCall,
  id: string,
  given: JsonObject,
  current: (properties: readonly string[]) => Promise<JsonObject | undefined>,
): Promise<null> {
  const { mail, place } = await shownMail(call, id)
  const patch = Object.entries(given).map(([path, value]) => [withRealKey(call, path), value] as const)
  const isChangeable = ([path]: readonly [string, unknown]): boolean => /^(?:mailboxIds|keywords)(?:\/|$)/.test(path)
  const others = patch.filter((one) => !isChangeable(one))
  // RFC 8620 section 5.3: a property that cannot change may be repeated.
  const same = others.length > 0 ? await current(others.map(([path]) => path)) : {}
  const changed = others.filter(([path, value]) => !isDeepStrictEqual(same?.[path], value)).map(([path]) => path)
  if (changed.length > 0) throw invalidProperties(changed, `${changed.join(', ')} cannot be changed`)
  const before = { mailboxIds: trueFor(place.mailboxIds), keywords: trueFor(place.keywords) }
  const after = patchedObject(before, Object.fromEntries(patch.filter(isChangeable)))
  const folderIds = folderIdsIn(call, after.mailboxIds)
  const flags = flagsIn(after.keywords)
  const { account } = call
  const { store } = account
  const origin = originOf(account.caller)
  const copies = [...mail.copies.values()].filter(({ entry }) => !isDeleted(entry.flags))
  const had = [...place.keywords].map(flagOf)
  await asSetErrors(async () => {
    for (const [mode, some] of [
      ['add', flags.filter((flag) => !had.includes(flag))],
      ['remove', had.filter((flag) => !flags.includes(flag))],
    ] as const)
      for (const { folder, entry } of some.length > 0 ? copies : [])
        await store.setFlags(folder.id, [entry.uid], { mode, flags: some }, origin)
    const added = folderIds.filter((folderId) => !place.mailboxIds.has(folderId))
    const removed = copies.filter(({ folder }) => !folderIds.includes(folder.id))
    const [source] = removed.length > 0 ? removed : copies
    if (!source || added.length + removed.length === 0) return
    const freed = { octets: removed.length * source.entry.sizeOctets, messages: removed.length }
    const limit = await limitOf(store, account.owner, account.account.quota, freed)
    const [target] = added
    const isMove = added.length === 1 && removed.length === 1 && target !== undefined
    if (isMove) await store.move(source.folder.id, [source.entry.uid], target, origin, limit)
    else {
      // In this order, an Email is in one Mailbox at least, whatever fails.
      for (const folderId of added) await store.copy(source.folder.id, [source.entry.uid], folderId, origin, limit)
      for (const { folder, entry } of removed) await store.expunge(folder.id, [entry.uid], origin)
    }
  })
  return null
}

/** Returns a path of a patch with the id of a Mailbox that the request has created, and with a keyword in lower case. */
function withRealKey(call: MethodCall, path: string): string {
  const [, name = '', key = ''] = /^(mailboxIds|keywords)\/([^/]+)$/.exec(path) ?? []
  if (name === '') return path
  return `${name}/${name === 'keywords' ? key.toLowerCase() : realId(call, key)}`
}

/** Returns an Email that JMAP shows. @throws SetError `notFound` */
async function shownMail({ account: { history } }: MethodCall, id: string) {
  await history.settled()
  const mail = history.mails.get(id)
  const place = mail && emailPlace(mail)
  if (mail && place) return { mail, place }
  throw notFound('Email', id)
}

/** Deletes all copies of an Email. RFC 8621 section 4.6. @throws SetError `notFound` */
export async function destroyEmail(call: MethodCall, id: string): Promise<void> {
  const { account } = call
  const { mail } = await shownMail(call, id)
  for (const { folder, entry } of [...mail.copies.values()])
    await account.store.expunge(folder.id, [entry.uid], originOf(account.caller))
}
