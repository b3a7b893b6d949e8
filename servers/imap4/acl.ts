import type { Directory } from '../../src/accounts/directory/types.ts'
import { accessListOf, FOLDERS_WITH_LISTS } from '../../src/storage/store/access-lists.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'
import { no } from './reply.ts'

/** The access control list of a mailbox: rights by identifier, without those of its owner. RFC 4314 section 2. */
type Acl = ReadonlyMap<string, string>

/** Identifiers of every account. Only the first one is in RFC 4314; clients of Dovecot know the second one. */
const EVERYBODY = ['anyone', 'authenticated']
const MAX_IDENTIFIERS = 100
const MAX_IDENTIFIER_CHARS = 255

const PRESENT = Buffer.from('1')

/** Returns the list of a mailbox. */
export async function aclOf(store: MessageStore, folder: Folder): Promise<Acl> {
  const values = await store.values(accessListOf(folder))
  return new Map(Array.from(values, ([identifier, rights]) => [identifier, rights.toString('latin1')]))
}

/**
 * Changes the rights of an identifier. No rights remove it from the list.
 * @throws ImapError LIMIT
 */
export async function changeAcl(
  store: MessageStore,
  folder: Folder,
  identifier: string,
  change: (rights: string) => string,
): Promise<void> {
  // A folder that is in the index without a list does no harm. The other way round, nobody would see it.
  await store.changeValues(FOLDERS_WITH_LISTS, () => new Map([[folder.id, PRESENT]]))
  let count = 0
  await store.changeValues(accessListOf(folder), (current) => {
    const rights = change(current.get(identifier)?.toString('latin1') ?? '')
    const isNew = !current.has(identifier) && rights !== ''
    count = current.size + (isNew ? 1 : 0)
    if (isNew && count > MAX_IDENTIFIERS) return new Map()
    return new Map([[identifier, rights === '' ? undefined : Buffer.from(rights, 'latin1')]])
  })
  if ((await store.values(accessListOf(folder))).size === 0) {
    await store.changeValues(FOLDERS_WITH_LISTS, () => new Map([[folder.id, undefined]]))
  }
  if (count > MAX_IDENTIFIERS) throw no(`A mailbox may have ${MAX_IDENTIFIERS} identifiers.`, 'LIMIT')
}

/** Copies the list of a mailbox to one that was created below it. RFC 4314 section 3: implementations may do so. */
export async function inheritAcl(store: MessageStore, from: Folder, to: Folder): Promise<void> {
  const values = await store.values(accessListOf(from))
  if (values.size === 0) return
  await store.changeValues(FOLDERS_WITH_LISTS, () => new Map([[to.id, PRESENT]]))
  await store.changeValues(accessListOf(to), () => values)
}

/** Returns every mailbox that has a list. */
export async function sharedFolders(store: MessageStore): Promise<Folder[]> {
  return Array.from((await store.values(FOLDERS_WITH_LISTS)).keys()).flatMap((id) => store.folderOf(id) ?? [])
}

/** Returns an identifier in the form of the list: log-on names in their canonical form. @throws ImapError if it is too long */
export function canonicalIdentifier(directory: Directory, identifier: string): string {
  const name = identifier.replace(/^-/, '')
  const sign = name === identifier ? '' : '-'
  if (name === '' || name.length > MAX_IDENTIFIER_CHARS || /[\p{Cc}\s]/u.test(name)) {
    throw no('The identifier is not the name of an account.', 'CANNOT')
  }
  return sign + (EVERYBODY.includes(name.toLowerCase()) ? name.toLowerCase() : directory.canonicalName(name))
}

/** Returns the rights of an account in a list: all that its identifiers grant, without those that are denied. RFC 4314 section 2. */
export function rightsIn(acl: Acl, directory: Directory, user: string): string {
  const identifiers = [...EVERYBODY, directory.canonicalName(user)]
  const lettersOf = (sign: string): string => identifiers.map((name) => acl.get(sign + name) ?? '').join('')
  const denied = lettersOf('-')
  return [...new Set(lettersOf(''))].filter((right) => !denied.includes(right)).join('')
}
