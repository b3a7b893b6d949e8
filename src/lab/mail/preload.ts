import type { ResolvedLab } from '../../core/config/resolve.ts'
import { readObstacle } from '../../core/files/file-obstacles.ts'
import { accountOwner, type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { openInbox } from '../../storage/store/mailboxes.ts'
import type { MessageStore } from '../../storage/store/types.ts'

/** Imports the configured `preload` files into mailboxes and newsgroups that are empty. @throws if a file cannot be read */
export async function preload({ directory, news }: ResolvedLab, store: MessageStore): Promise<void> {
  for (const { user, preload: path } of directory.accounts) {
    if (path !== undefined) await fill(store, await openInbox(store, accountOwner(user)), path)
  }
  for (const { name, preload: path } of news.groups) {
    const group = path === undefined ? undefined : await store.findFolder(PUBLIC_OWNER, name)
    if (group && path !== undefined) await fill(store, group, path)
  }
}

async function fill(store: MessageStore, folder: Folder, path: string): Promise<void> {
  if ((await store.status(folder.id)).exists > 0) return
  const obstacle = preloadProblem(path)
  if (obstacle !== undefined) throw new Error(`preload of ${folder.name}: ${obstacle}`)
  const { importFolder, messagesAt } = await import('../../storage/store/formats/transfer.ts')
  try {
    await importFolder(store, folder, messagesAt(path))
  } catch (cause) {
    throw new Error(`preload of ${folder.name}: ${(cause as Error).message}`, { cause })
  }
}

/** Returns why a `preload` file or folder cannot be imported; undefined if it can be read. */
export function preloadProblem(path: string): string | undefined {
  const why = readObstacle(path)
  return why === undefined ? undefined : `cannot read ${path}: ${why}`
}
