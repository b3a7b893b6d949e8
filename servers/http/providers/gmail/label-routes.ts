import { z } from 'zod'
import { ask } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError, type ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'
import { EMPTY, type Gmail, type GmailCall, gmailOf, invalid, notFound, routesOf } from './account.ts'
import { relabel } from './change.ts'
import { flagLabels, folderLabels, labelIdOf, labelsOf } from './labels.ts'

const changes = z.object({ name: z.string().min(1, 'Invalid label name').max(225).optional() })
const system = [...folderLabels.keys(), ...flagLabels.keys()]

/** A label without its counts. `folder` is the id of the folder of a user's label. */
interface Label {
  readonly id: string
  readonly name: string
  readonly folder?: string
}

const labelsIn = ({ history }: Gmail): Label[] => [
  ...system.map((id) => ({ id, name: id })),
  ...[...history.folders.values()].flatMap(({ id: folder, name, ...one }) => {
    const id = labelIdOf({ id: folder, name, ...one })
    return id === undefined || system.includes(id) ? [] : [{ id, name, folder }]
  }),
]

/** Returns the label of a path. @throws ProviderError `not-found` */
function labelIn(gmail: Gmail, { params: { id } }: GmailCall): Label {
  const found = labelsIn(gmail).find((label) => label.id === id)
  if (found) return found
  throw notFound()
}

/** Returns a label that its user may change. @throws ProviderError `not-found`, `invalid` */
function ownLabelIn(gmail: Gmail, call: GmailCall): Required<Label> {
  const { id, name, folder } = labelIn(gmail, call)
  if (folder === undefined) throw invalid('Invalid update request')
  return { id, name, folder }
}

const shown = ({ id, name, folder }: Label): object =>
  folder === undefined
    ? { id, name, type: 'system' }
    : { id, name, type: 'user', messageListVisibility: 'show', labelListVisibility: 'labelShow' }

async function list(call: GmailCall): Promise<Answer> {
  return { body: { labels: labelsIn(await gmailOf(call)).map(shown) } }
}

async function get(call: GmailCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const label = labelIn(gmail, call)
  const all = [...gmail.history.mails.values()].filter((mail) => labelsOf(mail).includes(label.id))
  const unread = all.filter((mail) => labelsOf(mail).includes('UNREAD'))
  const counts = { messagesTotal: all.length, messagesUnread: unread.length }
  const threadsTotal = new Set(await gmail.history.threadIds(all)).size
  const threadsUnread = new Set(await gmail.history.threadIds(unread)).size
  return { body: { ...shown(label), ...counts, threadsTotal, threadsUnread } }
}

/** Returns the name that a label shall have. @throws ProviderError `invalid` */
function nameIn(gmail: Gmail, call: GmailCall, old?: string): string {
  const { name = old ?? '' } = jsonBody(call, changes)
  if (name === '') throw invalid('Invalid label name')
  const others = labelsIn(gmail).filter((label) => label.name !== old)
  if (others.some((label) => label.name.toLowerCase() === name.toLowerCase()))
    throw new ProviderError('invalid', 'Label name exists or conflicts', 'exists')
  return name
}

async function create(call: GmailCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { account, owner, store } = gmail
  const input = { account: account.user, name: nameIn(gmail, call) }
  const { id: folder, name } = (await ask(gmail, 'folders.create', input)) as { id: string; name: string }
  await store.setSubscribed(owner, name, true)
  return { body: shown({ id: `Label_${folder}`, name, folder }) }
}

async function update(call: GmailCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { name: old, folder } = ownLabelIn(gmail, call)
  const name = nameIn(gmail, call, old)
  if (name !== old) await ask(gmail, 'folders.rename', { id: folder, name })
  return { body: shown(labelIn(gmail, call)) }
}

/** Deletes a label. Its messages stay. */
async function remove(call: GmailCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { id, folder } = ownLabelIn(gmail, call)
  for (const mail of [...gmail.history.mails.values()])
    if (labelsOf(mail).includes(id)) await relabel(gmail, mail, [], [id])
  await ask(gmail, 'folders.delete', { id: folder })
  return EMPTY
}

export const labelRoutes: readonly ProviderRoute[] = routesOf({
  'GET labels': list,
  'POST labels': create,
  'GET labels/{id}': get,
  'PUT labels/{id}': update,
  'PATCH labels/{id}': update,
  'DELETE labels/{id}': remove,
})
