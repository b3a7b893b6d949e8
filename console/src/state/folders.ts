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
/** Mail of the lab, a message to several people counted once. Without articles: those who never read news would have all unread. */
export const mailCounts = signal({ messages: 0, unread: 0 })
export const unreadMail = computed(() => mailCounts.value.unread)

let timer: ReturnType<typeof setTimeout> | undefined

// The next one who logs on may see other folders.
effect(() => {
  if (callerState.value.name !== 'out') return
  folders.value = undefined
  foldersProblem.value = undefined
})

const countMail = async (query?: string): Promise<number> =>
  (await call('messages.list', { query, articles: false, distinct: true, limit: 1 })).total

export async function readFolders(): Promise<void> {
  clearTimeout(timer)
  timer = undefined
  try {
    const [{ items }, messages, unread] = await Promise.all([
      call('folders.list', {}),
      countMail(),
      countMail('is:unread'),
    ])
    folders.value = items
    mailCounts.value = { messages, unread }
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
