import { computed, effect, signal } from '@preact/signals'
import { call, type Schemas } from '../api/client.ts'
import { onLive } from '../api/live.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { callerState } from './caller.ts'

type Folder = Schemas['Folder']

/** Counts are read again at most this often. */
const PAUSE_MS = 500

export const folders = signal<readonly Folder[] | undefined>(undefined)
export const foldersProblem = signal<Problem | undefined>(undefined)
export const unreadTotal = computed(() => (folders.value ?? []).reduce((sum, { unread }) => sum + unread, 0))

/** Without articles: those who never read news would have them all as unread. */
export const unreadMail = computed(() =>
  (folders.value ?? []).reduce((sum, { unread, newsgroup }) => sum + (newsgroup === null ? unread : 0), 0),
)

let timer: ReturnType<typeof setTimeout> | undefined

// The next one who logs on may see other folders.
effect(() => {
  if (callerState.value.name !== 'out') return
  folders.value = undefined
  foldersProblem.value = undefined
})

export async function readFolders(): Promise<void> {
  clearTimeout(timer)
  timer = undefined
  try {
    folders.value = (await call('folders.list', {})).items
    foldersProblem.value = undefined
  } catch (error) {
    foldersProblem.value = problemOf(error)
  }
}

/** Keeps the folders and their counts as they are in the lab. Returns the function that stops it. */
export function followFolders(): () => void {
  void readFolders()
  const stop = onLive(({ name }) => {
    if (!name.startsWith('message.') && name !== 'lab.reset' && name !== 'configuration.reloaded') return
    timer ??= setTimeout(readFolders, PAUSE_MS)
  })
  return () => {
    stop()
    clearTimeout(timer)
    timer = undefined
  }
}

/** Special folders first, in the order of mail programs. */
const ORDER = ['INBOX', 'Drafts', 'Sent', 'Archive', 'Junk', 'Trash']

export const sortedFolders = (list: readonly Folder[]): Folder[] =>
  list.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))

function rank({ name }: Folder): number {
  const at = ORDER.indexOf(name)
  return at === -1 ? ORDER.length : at
}
