import { z } from 'zod'
import { limitOf } from '../../../../src/storage/store/quota.ts'
import { ask, messageById } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'
import { rewriteDraft } from './drafts.ts'
import { GraphError } from './errors.ts'
import { folderOf, wellKnown } from './folders.ts'
import { COMPLETE, headerImportance, IMPORTANT, readItem } from './message.ts'
import { answerMessage, messageOf, moved, ofMessage } from './messages.ts'
import type { GraphRequest } from './odata.ts'
import { messageInput } from './sending.ts'

/** The properties of a message that an account can change. */
const changed = z.looseObject({
  isRead: z.boolean().optional(),
  categories: z.array(z.string()).optional(),
  importance: z.enum(['low', 'normal', 'high']).optional(),
  flag: z.looseObject({ flagStatus: z.enum(['notFlagged', 'flagged', 'complete']) }).optional(),
})

/** The properties that only drafts can change. https://learn.microsoft.com/en-us/graph/api/message-update */
const CONTENT = ['subject', 'body', 'from', 'toRecipients', 'ccRecipients', 'bccRecipients', 'replyTo'] as const

async function change(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  let at = await messageOf(request)
  const { isRead, categories, importance, flag, ...others } = jsonBody(call, changed)
  const isDone = (name: string): boolean => name.startsWith('@') || others[name] === 'focused'
  const content = Object.fromEntries(CONTENT.flatMap((name) => (name in others ? [[name, others[name]]] : [])))
  const other = Object.keys(others).find((name) => !isDone(name) && !(name in content))
  if (other !== undefined) throw new ProviderError('not-offered', `Sealpost does not change '${other}' of a message`)
  const own = importance && (await readItem(call.api, at, { level: 2 }, headerImportance))
  if (importance !== 'high' && importance !== own)
    throw new GraphError(400, 'ErrorInvalidPropertySet', `importance: the header says ${own}; write that, or high`)
  if (Object.keys(content).length > 0) {
    const given = jsonBody({ body: Buffer.from(JSON.stringify(content)) }, messageInput)
    const wanted = Object.entries(given).filter(([name]) => name in content)
    at = await rewriteDraft(request, at, Object.fromEntries(wanted))
  }
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
