import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { saveBlob } from '../../components/save-blob.ts'
import { doUnlessUndone, notifyProblem } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import type { Summary } from './filter.ts'
import type { MessageList } from './message-list.ts'

/** The messages to which an action applies: some of the list, or all that the list would show. */
export type Choice =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'all'; readonly count: number; readonly selection: InputOf<'messages.updateMany'> }

export const sizeOf = (choice: Choice): number => (choice.kind === 'ids' ? choice.ids.length : choice.count)

/** Returns the input of an action. It applies to all copies of a message. */
const inputOf = (choice: Choice, list?: MessageList) =>
  choice.kind === 'ids' ? { ids: list?.withCopies(choice.ids) ?? [...choice.ids] } : { ...choice.selection, all: true }

const idsIn = (choice: Choice): readonly string[] => (choice.kind === 'ids' ? choice.ids : [])

/** Runs an action. Refusals are shown. */
async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    notifyProblem(problemOf(error))
    return false
  }
}

/** Marks messages as read or unread, or flags them. The list shows it immediately. */
export async function mark(
  list: MessageList,
  choice: Choice,
  change: { readonly read?: boolean; readonly flagged?: boolean },
): Promise<void> {
  list.patch(idsIn(choice), (message) => ({ ...message, ...change }))
  const isDone = await attempt(() => call('messages.updateMany', { ...inputOf(choice, list), ...change }))
  if (!isDone || choice.kind === 'all') await list.refresh()
}

/** Adds and removes tags. */
export async function changeTags(list: MessageList, choice: Choice, add: string[], remove: string[]): Promise<boolean> {
  const without = (message: Summary): string[] =>
    message.tags.filter((one) => ![...add, ...remove].some((tag) => tag.toLowerCase() === one.toLowerCase()))
  list.patch(idsIn(choice), (message) => ({ ...message, tags: [...without(message), ...add] }))
  const isDone = await attempt(() =>
    call('messages.updateMany', { ...inputOf(choice, list), addTags: add, removeTags: remove }),
  )
  if (!isDone || choice.kind === 'all') await list.refresh()
  return isDone
}

/** Deletes messages after the time to undo it. The list hides them immediately. */
export function removeSoon(list: MessageList, ids: readonly string[]): void {
  const copies = list.withCopies(ids)
  list.hide(copies)
  doUnlessUndone(t('mail.deleted', { n: ids.length }), {
    act: () =>
      void attempt(() => call('messages.deleteMany', { ids: copies }, { keepalive: true })).then(
        (isDone) => isDone || list.unhide(copies),
      ),
    undo: () => list.unhide(copies),
  })
}

/** Deletes all messages of a list now. It cannot be undone: the page has asked. */
export async function removeAll(list: MessageList, choice: Choice): Promise<void> {
  await attempt(() => call('messages.deleteMany', inputOf(choice)))
  await list.refresh()
}

/** Moves messages to a folder of their accounts. Undo moves each back to the folder that it was in. */
export async function move(list: MessageList, ids: readonly string[], to: string): Promise<void> {
  list.hide(ids)
  const isDone = await attempt(async () => {
    const { moved } = await call('messages.moveMany', { ids: [...ids], folder: to })
    const undo = (): void => {
      for (const folder of new Set(moved.map(({ from }) => from))) {
        const back = moved.filter(({ from }) => from === folder).map(({ newId }) => newId)
        void attempt(() => call('messages.moveMany', { ids: back, folder }))
      }
    }
    doUnlessUndone(t('mail.moved', { n: moved.length, folder: to }), { act: () => {}, undo })
  })
  if (!isDone) list.unhide(ids)
}

/** Downloads one message as .eml, or several as mbox. */
export async function download(choice: Choice): Promise<void> {
  await attempt(async () => {
    if (choice.kind === 'ids' && choice.ids.length === 1) {
      const [id = ''] = choice.ids
      return saveBlob(await call('messages.raw', { id }), `${id}.eml`)
    }
    saveBlob(await call('messages.export', inputOf(choice)), 'messages.mbox')
  })
}
