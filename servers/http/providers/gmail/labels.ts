import { z } from 'zod'
import { flagLabels, folderLabels, labelIdOf, labelsOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import { ask } from '../mailbox/mailbox.ts'
import { type Answer, type ProviderCall, ProviderError, type ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'
import { EMPTY, type Gmail, gmailOf, routesOf } from './account.ts'
import { relabel } from './change.ts'
import { invalid, notFound } from './errors.ts'

const input = z.object({ name: z.string().min(1, 'Invalid label name').max(225).optional() })
const system = [...folderLabels.keys(), ...flagLabels.keys()]

/** A label without its counts. A user's label has a folder. */
interface Label {
  readonly id: string
  readonly name: string
  readonly folder?: string
}

const labelsIn = ({ history }: Gmail): Label[] => [
  ...system.map((id) => ({ id, name: id })),
  ...[...history.folders.values()].flatMap((folder) => {
    const id = labelIdOf(folder) ?? 'INBOX'
    return system.includes(id) ? [] : [{ id, name: folder.name, folder: folder.id }]
  }),
]

/** Returns the label of a path. @throws ProviderError `not-found`, `invalid` for a system label that would be changed */
function labelIn(gmail: Gmail, { params: { id }, c }: ProviderCall): Required<Label> {
  const found = labelsIn(gmail).find((label) => label.id === id)
  if (!found) throw notFound()
  if (found.folder === undefined && c.req.method !== 'GET') throw invalid('Invalid update request')
  return { folder: '', ...found }
}

const shown = ({ id, name }: Label): object =>
  system.includes(id)
    ? { id, name, type: 'system' }
    : { id, name, type: 'user', messageListVisibility: 'show', labelListVisibility: 'labelShow' }

async function get(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const label = labelIn(gmail, call)
  const all = [...gmail.history.mails.values()].filter((mail) => labelsOf(mail).includes(label.id))
  const unread = all.filter((mail) => labelsOf(mail).includes('UNREAD'))
  const [threads, unreadThreads] = [await gmail.history.threadIds(all), await gmail.history.threadIds(unread)]
  const counts = { messagesTotal: all.length, messagesUnread: unread.length }
  const ofThreads = { threadsTotal: new Set(threads).size, threadsUnread: new Set(unreadThreads).size }
  return { body: { ...shown(label), ...counts, ...ofThreads } }
}

/** Creates a label, or renames one. */
async function save(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { account, owner, store } = gmail
  const old = call.params.id === undefined ? undefined : labelIn(gmail, call)
  const { name = old?.name ?? '' } = jsonBody(call, input)
  if (name === '') throw invalid('Invalid label name')
  const others = labelsIn(gmail).filter(({ id }) => id !== old?.id)
  if (others.some((label) => label.name.toLowerCase() === name.toLowerCase()))
    throw new ProviderError('invalid', 'Label name exists or conflicts', 'exists')
  if (old?.name === name) return { body: shown(old) }
  const made = (await (old
    ? ask(gmail, 'folders.rename', { id: old.folder, name })
    : ask(gmail, 'folders.create', { account: account.user, name }))) as { id: string; name: string }
  if (!old) await store.setSubscribed(owner, made.name, true)
  return { body: shown({ ...made, id: `Label_${made.id}` }) }
}

/** Deletes a label. Its messages stay. */
async function remove(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { id, folder } = labelIn(gmail, call)
  for (const mail of [...gmail.history.mails.values()])
    if (labelsOf(mail).includes(id)) await relabel(gmail, mail, [], [id])
  await ask(gmail, 'folders.delete', { id: folder })
  return EMPTY
}

export const labelRoutes: readonly ProviderRoute[] = routesOf({
  'GET labels': async (call) => ({ body: { labels: labelsIn(await gmailOf(call)).map(shown) } }),
  'POST labels': save,
  'GET labels/{id}': get,
  'PUT labels/{id}': save,
  'PATCH labels/{id}': save,
  'DELETE labels/{id}': remove,
})
