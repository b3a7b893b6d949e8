import { StoreError } from '../../../src/storage/store/errors.ts'
import type { Folder, FolderSettings } from '../../../src/storage/store/folder.ts'
import { mailboxNameMistake, withInboxInCapitals } from '../../../src/storage/store/mailboxes.ts'
import { type Box, boxesOf, roles } from './boxes.ts'
import { isBoolean, isInteger, isString, optional } from './checks.ts'
import { isIn } from './mails.ts'
import { patchedObject, realId } from './standard.ts'
import { invalidProperties, type JsonObject, type MethodCall, notFound, SetError } from './types.ts'

/** The properties of a Mailbox that a client sets. */
interface Settings {
  /** The name of the folder. */
  readonly name: string
  readonly folder: FolderSettings
  readonly isSubscribed: boolean
}

const MUTABLE = ['name', 'parentId', 'role', 'sortOrder', 'isSubscribed'] as const
/** RFC 8621 section 2 */
const MAX_SORT_ORDER = 2 ** 31 - 1
/** RFC 8621 section 2: octets of one level. The store limits the whole name. */
const MAX_NAME_OCTETS = 490

/** Returns the settings that the properties of a Mailbox mean. @param old the mailbox as it is @throws SetError */
function settingsOf(call: MethodCall, boxes: ReadonlyMap<string, Box>, object: JsonObject, old?: Box): Settings {
  const { name, parentId = null, role = null, sortOrder = old?.sortOrder, isSubscribed = false } = object
  if (!isString(name) || (name !== old?.name && (name.includes('/') || Buffer.byteLength(name) > MAX_NAME_OCTETS)))
    throw invalidProperties(['name'], `the name is missing, too long, or has a /`)
  const parent = isString(parentId) ? boxes.get(realId(call, parentId)) : undefined
  const isBelow = (box: Box | undefined): boolean =>
    box !== undefined && (box.id === old?.id || isBelow(boxes.get(box.parentId ?? '')))
  if ((parentId !== null && !parent) || isBelow(parent))
    throw invalidProperties(['parentId'], 'there is no such mailbox, or it is below the mailbox itself')
  const full = withInboxInCapitals(parent ? `${parent.folder.name}/${name.normalize('NFC')}` : name.normalize('NFC'))
  const mistake = full === old?.folder.name ? undefined : mailboxNameMistake(full)
  if (mistake !== undefined) throw invalidProperties(['name'], `the name ${mistake}`)
  const use = old?.role === 'inbox' ? old.folder.specialUse : roles.find((one) => one.role === role)?.use
  const isTaken = role !== null && [...boxes.values()].some((box) => box.role === role && box.id !== old?.id)
  // RFC 8621 section 2: no two mailboxes have the same role.
  if (role !== (old?.role ?? null) && ((role !== null && !use) || isTaken || old?.role === 'inbox'))
    throw invalidProperties(['role'], 'the role is not known, or another mailbox has it')
  if (!isBoolean(isSubscribed)) throw invalidProperties(['isSubscribed'], 'isSubscribed is neither true nor false')
  if (sortOrder !== undefined && !(isInteger(sortOrder) && sortOrder >= 0 && sortOrder <= MAX_SORT_ORDER))
    throw invalidProperties(['sortOrder'], `sortOrder is not a whole number from 0 to ${MAX_SORT_ORDER}`)
  const order = sortOrder === old?.sortOrder ? old?.folder.sortOrder : sortOrder
  const folder = { ...(use !== undefined && { specialUse: use }), ...(order !== undefined && { sortOrder: order }) }
  return { name: full, folder, isSubscribed }
}

/** @throws SetError for a name that another mailbox has */
async function named<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'exists') throw invalidProperties(['name'], 'another mailbox has this name')
    if (error.code === 'not-found') throw new SetError('notFound', error.message)
    throw error
  }
}

/** @throws SetError for a property that only the server sets */
function assertMutable(names: readonly string[], isSame: (name: string) => boolean): void {
  const fixed = names.filter((name) => !MUTABLE.some((one) => one === name) && !isSame(name))
  if (fixed.length > 0) throw invalidProperties(fixed, `the server sets ${fixed.join(', ')}`)
}

/** RFC 8621 section 2.5. @throws SetError */
export async function createMailbox(call: MethodCall, object: JsonObject): Promise<Folder> {
  const { store, owner } = call.account
  assertMutable(Object.keys(object), () => false)
  const { name, folder: settings, isSubscribed } = settingsOf(call, await boxesOf(call), object)
  const folder = await named(() => store.createFolder(owner, name, settings))
  if (isSubscribed) await store.setSubscribed(owner, name, true)
  return folder
}

/** @throws SetError */
export async function updateMailbox(call: MethodCall, id: string, patch: JsonObject): Promise<null> {
  const { store, owner } = call.account
  const boxes = await boxesOf(call)
  const old = boxes.get(id)
  if (!old) throw notFound('Mailbox', id)
  const before: JsonObject = { ...old }
  assertMutable(Object.keys(patch), (name) => patch[name] === before[name])
  const { folder, ...properties } = old
  const { name, folder: settings, isSubscribed } = settingsOf(call, boxes, patchedObject(properties, patch), old)
  if (name !== folder.name) {
    if (folder.name === 'INBOX') throw new SetError('forbidden', 'INBOX cannot be renamed')
    await named(() => store.renameFolder(id, name))
  }
  if (settings.specialUse !== folder.specialUse || settings.sortOrder !== folder.sortOrder)
    await store.updateFolder(id, settings)
  // Subscriptions are to names: a mailbox takes its own along, and those of the mailboxes below it.
  for (const { folder: one, isSubscribed: has } of name === folder.name ? [] : boxes.values()) {
    if (!has || !`${one.name}/`.startsWith(`${folder.name}/`)) continue
    await store.setSubscribed(owner, one.name, false)
    await store.setSubscribed(owner, name + one.name.slice(folder.name.length), true)
  }
  if (isSubscribed !== old.isSubscribed) await store.setSubscribed(owner, name, isSubscribed)
  return null
}

/** @throws SetError */
export async function destroyMailbox(call: MethodCall, id: string): Promise<void> {
  const { store, owner, history } = call.account
  const boxes = await boxesOf(call)
  const box = boxes.get(id)
  if (!box) throw notFound('Mailbox', id)
  if (box.folder.name === 'INBOX') throw new SetError('forbidden', 'every account has an INBOX')
  // RFC 8621 section 2.5
  if ([...boxes.values()].some(({ parentId }) => parentId === id))
    throw new SetError('mailboxHasChild', 'there are mailboxes below it; destroy them first')
  const removes = optional(call, 'onDestroyRemoveEmails', isBoolean) ?? false
  if (!removes && [...history.mails.values()].some((mail) => isIn(mail, (one) => one === id)))
    throw new SetError('mailboxHasEmail', 'it has Emails; move them, or set onDestroyRemoveEmails')
  await named(() => store.deleteFolder(id))
  await store.setSubscribed(owner, box.folder.name, false)
}
