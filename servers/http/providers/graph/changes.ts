import { z } from 'zod'
import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { limitOf } from '../../../../src/storage/store/quota.ts'
import { ask, messageById } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'
import { GraphError } from './errors.ts'
import { folderOf, wellKnown } from './folders.ts'
import { COMPLETE, headerImportance, IMPORTANT, readItem } from './message.ts'
import { answerMessage, messageOf, ofMessage } from './messages.ts'
import type { GraphRequest } from './odata.ts'

/** The properties of a message that an account can change. */
const changed = z.looseObject({
  isRead: z.boolean().optional(),
  categories: z.array(z.string()).optional(),
  importance: z.enum(['low', 'normal', 'high']).optional(),
  flag: z.looseObject({ flagStatus: z.enum(['notFlagged', 'flagged', 'complete']) }).optional(),
})

async function change(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const at = await messageOf(request)
  const { isRead, categories, importance, flag, ...others } = jsonBody(call, changed)
  const isDone = (name: string): boolean => name.startsWith('@') || others[name] === 'focused'
  const other = Object.keys(others).find((name) => !isDone(name))
  if (other !== undefined) throw new ProviderError('not-offered', `Sealpost does not change '${other}' of a message`)
  const own = importance && (await readItem(call.api, at, { level: 2 }, headerImportance))
  if (importance !== 'high' && importance !== own)
    throw new GraphError(400, 'ErrorInvalidPropertySet', `importance: the header says ${own}; write that, or high`)
  const status = flag?.flagStatus
  await ask(mailbox, 'messages.update', {
    id: at.id,
    read: isRead,
    tags: categories,
    flagged: flag && status === 'flagged',
  })
  const keywords = { [COMPLETE]: flag && status === 'complete', [IMPORTANT]: importance && importance === 'high' }
  for (const [name, isSet] of Object.entries(keywords))
    if (isSet !== undefined)
      await mailbox.store.setFlags(at.folder.id, [at.entry.uid], { mode: isSet ? 'add' : 'remove', flags: [name] })
  return answerMessage(request, await messageById(mailbox, at.id))
}

const destination = z.object({ destinationId: z.string() })

async function move(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const { name } = await folderOf(mailbox, jsonBody(call, destination).destinationId)
  return answerMessage(request, await moved(request, await messageOf(request), name), 201)
}

/** Moves a message to the folder with a name. Returns it with its new id. */
export async function moved(
  { mailbox }: GraphRequest,
  { id }: IndexedMessage,
  folder: string,
): Promise<IndexedMessage> {
  const after = (await ask(mailbox, 'messages.move', { id, folder })) as { readonly id: string }
  return messageById(mailbox, after.id)
}

async function copy(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const { store, owner, account } = mailbox
  const target = await folderOf(mailbox, jsonBody(call, destination).destinationId)
  const { folder, entry } = await messageOf(request)
  const limit = await limitOf(store, owner, account.quota)
  const { to } = await store.copy(folder.id, [entry.uid], target.id, undefined, limit)
  return answerMessage(request, await messageById(mailbox, `${target.id}.${to[0]}`), 201)
}

async function removeForGood(request: GraphRequest): Promise<Answer> {
  await ask(request.mailbox, 'messages.delete', { id: (await messageOf(request)).id })
  return { status: 204 }
}

/** Moves a message to the deleted items; from there, deletes it. */
async function remove(request: GraphRequest): Promise<Answer> {
  const at = await messageOf(request)
  const trash = await wellKnown(request.mailbox, 'deleteditems')
  if (!trash || at.folder.id === trash.id) return removeForGood(request)
  await moved(request, at, trash.name)
  return { status: 204 }
}

export const changeRoutes = [
  ...ofMessage('PATCH', '', change),
  ...ofMessage('DELETE', '', remove),
  ...ofMessage('POST', '/permanentDelete', removeForGood),
  ...ofMessage('POST', '/move', move),
  ...ofMessage('POST', '/copy', copy),
]
