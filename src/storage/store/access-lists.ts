import type { Folder } from './folder.ts'
import type { MessageStore } from './types.ts'
import type { ValueSpace } from './value-types.ts'

/** The access control list of a folder: rights by identifier. RFC 4314 section 2. */
export const accessListOf = ({ id }: Pick<Folder, 'id'>): ValueSpace => ({ folderId: id, kind: 'acl' })

/** The ids of all folders that have a list. */
export const FOLDERS_WITH_LISTS: ValueSpace = { kind: 'acl' }

/** Removes an identifier, also where it is denied rights, from all lists: a later account of the name has none of them. */
export async function forgetIdentifier(store: MessageStore, identifier: string): Promise<void> {
  const names = [identifier, `-${identifier}`]
  for (const id of (await store.values(FOLDERS_WITH_LISTS)).keys()) {
    if (!store.folderOf(id)) continue
    const list = accessListOf({ id })
    await store.changeValues(
      list,
      (current) => new Map(names.flatMap((name) => (current.has(name) ? [[name, undefined]] : []))),
    )
    if ((await store.values(list)).size === 0) {
      await store.changeValues(FOLDERS_WITH_LISTS, () => new Map([[id, undefined]]))
    }
  }
}
