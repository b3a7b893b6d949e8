import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { saveBlob } from '../../components/save-blob.ts'
import { doUnlessUndone, notify, notifyProblem } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import type { Summary } from './filter.ts'
import type { MessageList } from './message-list.ts'

/** What an action applies to: messages of the list, or all that the list would show. */
export type Choice =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'all'; readonly count: number; readonly selection: InputOf<'messages.updateMany'> }

export const sizeOf = (choice: Choice): number => (choice.kind === 'ids' ? choice.ids.length : choice.count)

const inputOf = (choice: Choice) =>
  choice.kind === 'ids' ? { ids: [...choice.ids] } : { ...choice.selection, all: true }

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

/** Marks messages as read or unread, or flags them. The list shows it at once. */
export async function mark(
  list: MessageList,
  choice: Choice,
  change: { readonly read?: boolean; readonly flagged?: boolean },
): Promise<void> {
  list.patch(idsIn(choice), (message) => ({ ...message, ...change }))
  const isDone = await attempt(() => call('messages.updateMany', { ...inputOf(choice), ...change }))
  if (!isDone || choice.kind === 'all') await list.refresh()
}

/** Adds and removes tags. */
export async function changeTags(list: MessageList, choice: Choice, add: string[], remove: string[]): Promise<boolean> {
  const without = (message: Summary): string[] =>
    message.tags.filter((one) => ![...add, ...remove].some((tag) => tag.toLowerCase() === one.toLowerCase()))
  list.patch(idsIn(choice), (message) => ({ ...message, tags: [...without(message), ...add] }))
  const isDone = await attempt(() =>
    call('messages.updateMany', { ...inputOf(choice), addTags: add, removeTags: remove }),
  )
  if (!isDone || choice.kind === 'all') await list.refresh()
  return isDone
}

/** Deletes messages after the time to undo it. The list hides them at once. */
export function removeSoon(list: MessageList, ids: readonly string[]): void {
  list.hide(ids)
  doUnlessUndone(t('mail.deleted', { n: ids.length }), {
    act: () =>
      void attempt(() => call('messages.deleteMany', { ids: [...ids] }, { keepalive: true })).then(
        (isDone) => isDone || list.unhide(ids),
      ),
    undo: () => list.unhide(ids),
  })
}

/** Deletes all messages of a list now. It cannot be undone: the page has asked. */
export async function removeAll(list: MessageList, choice: Choice): Promise<void> {
  await attempt(() => call('messages.deleteMany', inputOf(choice)))
  await list.refresh()
}

/** Moves messages to a folder of their account. Undo moves them back. */
export async function move(
  list: MessageList,
  ids: readonly string[],
  { from, to }: { readonly from: string | undefined; readonly to: string },
): Promise<void> {
  list.hide(ids)
  const isDone = await attempt(async () => {
    const { moved } = await call('messages.moveMany', { ids: [...ids], folder: to })
    const back = moved.map(({ newId }) => newId)
    const undo = (): void => void attempt(() => call('messages.moveMany', { ids: back, folder: from ?? 'INBOX' }))
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

/** Sends a message to an account, so that there is something to look at. */
export async function sendTestMail(to: string): Promise<void> {
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">',
    '<style>body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f6f9;color:#1b1f26}',
    '.card{max-width:560px;margin:32px auto;padding:32px;border-radius:12px;background:#fff}',
    '.code{font:700 32px/1 ui-monospace,monospace;letter-spacing:6px}a{color:#1d5fd6}',
    '@media (prefers-color-scheme:dark){body{background:#101216;color:#e6e9ee}.card{background:#1e2128}a{color:#7fb0ff}}',
    '</style></head><body><div class="card"><h1>It works</h1><p>Sealpost has delivered this message.</p>',
    '<p>Your code is</p><p class="code">471147</p><p><a href="https://example.com/confirm?token=4711">Confirm the address</a></p>',
    '</div></body></html>',
  ].join('')
  const sent = await attempt(() =>
    call('messages.send', {
      from: 'Sealpost <sealpost@example.com>',
      to: [to],
      subject: t('mail.testSubject'),
      text: 'It works\n\nSealpost has delivered this message.\n\nYour code is 471147.\nConfirm the address: https://example.com/confirm?token=4711\n',
      html,
    }),
  )
  if (sent) notify(t('mail.testSent', { to }))
}
