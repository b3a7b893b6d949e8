import type { ResolvedLab } from '../config/resolve.ts'
import { openInbox } from '../store/mailboxes.ts'
import { accountOwner, type Folder, type MessageStore, PUBLIC_OWNER } from '../store/types.ts'

/** Imports the configured `preload` files into mailboxes and newsgroups that are empty. @throws if a file cannot be read */
export async function preload({ directory, newsgroups }: ResolvedLab, store: MessageStore): Promise<void> {
  for (const { user, preload: path } of directory.accounts) {
    if (path !== undefined) await fill(store, await openInbox(store, accountOwner(user)), path)
  }
  for (const { name, preload: path } of newsgroups) {
    const group = path === undefined ? undefined : await store.findFolder(PUBLIC_OWNER, name)
    if (group && path !== undefined) await fill(store, group, path)
  }
}

async function fill(store: MessageStore, folder: Folder, path: string): Promise<void> {
  if ((await store.status(folder.id)).exists > 0) return
  const { importFolder, messagesAt } = await import('../store/exchange/transfer.ts')
  try {
    await importFolder(store, folder, messagesAt(path))
  } catch (cause) {
    throw new Error(`preload of ${folder.name}: ${(cause as Error).message}`, { cause })
  }
}
