import { z } from 'zod'
import type { Mail } from '../../../../src/storage/store/views/account-history.ts'
import { hexId, labelsOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'
import { EMPTY, findMail, type Gmail, gmailOf, limitIn, routesOf } from './account.ts'
import { addMail, deleteMails, relabel } from './change.ts'
import { invalid, notFound } from './errors.ts'
import { dateOf, findMails, resultPage } from './find.ts'
import { attachmentOf, messageResource, octetsOf, snippetOf, summary } from './resource.ts'
import { sendMail } from './send.ts'
import { messageIn } from './upload.ts'

const labels = z.array(z.string().max(200)).max(100).default([])
const modification = z.object({ addLabelIds: labels, removeLabelIds: labels })
const ids = z.object({ ids: z.array(z.string()).min(1, 'No message ids specified.').max(1000) })

/** Messages, and the resources that consist of messages. */
type Kind = 'messages' | 'threads' | 'drafts'
const kindOf = ({ path }: ProviderCall): Kind => /\/users\/[^/]+\/(\w+)/.exec(path)?.[1] as Kind

const isDraft = (mail: Mail): boolean => labelsOf(mail).includes('DRAFT')
/** A draft that is updated keeps its id, as a keyword of the new message. */
const DRAFT_ID = '$draft-'
const draftIdOf = ({ id, flags }: Mail): string =>
  flags.find((flag) => flag.startsWith(DRAFT_ID))?.slice(DRAFT_ID.length) ?? `r${hexId(id)}`

/** Returns the messages that a request names: one, those of a thread, the oldest first, or of a list those that exist. @throws ProviderError */
async function mailsIn(gmail: Gmail, call: ProviderCall): Promise<Mail[]> {
  const { id } = call.params
  if (id === undefined) return jsonBody(call, ids).ids.flatMap((one) => gmail.history.mailBy(hexId, one) ?? [])
  if (kindOf(call) === 'messages') return [findMail(gmail, id)]
  const mails = [...gmail.history.mails.values()]
  const threadIds = kindOf(call) === 'threads' ? await gmail.history.threadIds(mails) : []
  const thread = [...new Set(threadIds)].find((one) => hexId(one) === id.toLowerCase())
  const isOne = (mail: Mail, index: number): boolean =>
    kindOf(call) === 'threads'
      ? thread !== undefined && threadIds[index] === thread
      : isDraft(mail) && draftIdOf(mail) === id
  const found = mails.filter(isOne).sort((a, b) => dateOf(a) - dateOf(b))
  if (found.length > 0) return found
  throw notFound()
}

/** Answers with what a path names. */
async function shown(call: ProviderCall, mails: Mail[], show: (mail: Mail) => Promise<object>): Promise<Answer> {
  const messages: object[] = []
  for (const mail of mails) messages.push(await show(mail))
  const [message = {}] = messages
  const historyId = `${Math.max(...mails.map(({ history }) => history))}`
  const { id } = call.params
  return { body: { messages: message, threads: { id, historyId, messages }, drafts: { id, message } }[kindOf(call)] }
}

async function list(call: ProviderCall): Promise<Answer> {
  const [gmail, kind] = [await gmailOf(call), kindOf(call)]
  const { history } = gmail
  let found = (await findMails(gmail)).filter((mail) => kind !== 'drafts' || isDraft(mail))
  if (kind === 'threads') {
    const threadIds = await history.threadIds(found)
    const known = new Set<string>()
    // A thread is listed by its newest message.
    found = found.filter((_, index) => known.size < known.add(`${threadIds[index]}`).size)
  }
  const { page, ...next } = resultPage(gmail, found, limitIn(gmail))
  const threadIds = await history.threadIds(page)
  const items: object[] = []
  for (const [index, mail] of page.entries()) {
    const message = { id: hexId(mail.id), threadId: hexId(threadIds[index] ?? mail.id) }
    const snippet = kind === 'threads' ? await snippetOf(gmail, mail) : ''
    const thread = { id: message.threadId, snippet, historyId: `${mail.history}` }
    items.push({ messages: message, threads: thread, drafts: { id: draftIdOf(mail), message } }[kind])
  }
  return { body: { ...(items.length > 0 && { [kind]: items }), ...next, resultSizeEstimate: found.length } }
}

async function get(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  return shown(call, await mailsIn(gmail, call), (mail) => messageResource(gmail, mail))
}

async function change(call: ProviderCall, add: readonly string[], remove: readonly string[]): Promise<Answer> {
  const gmail = await gmailOf(call)
  const mails = await mailsIn(gmail, call)
  for (const mail of mails) await relabel(gmail, mail, add, remove)
  return shown(call, mails, (mail) => summary(gmail, mail))
}

/** @throws ProviderError `invalid` */
function modificationIn(call: ProviderCall): [add: string[], remove: string[]] {
  const { addLabelIds: add, removeLabelIds: remove } = jsonBody(call, modification)
  const fixed = [...add, ...remove].find((label) => label === 'SENT' || label === 'DRAFT')
  if (fixed !== undefined) throw invalid(`Invalid label: ${fixed}`)
  if (add.length + remove.length === 0) throw invalid('No label add or removes specified')
  return [add, remove]
}

async function remove(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  await deleteMails(gmail, await mailsIn(gmail, call))
  return EMPTY
}

/** `insert` and `import`, which differ in the date of the message. */
async function add(call: ProviderCall, source: string): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { raw, labelIds } = messageIn(call)
  const hasOwnDate = (gmail.query.get('internalDateSource') ?? source) === 'dateHeader'
  return { body: await summary(gmail, await addMail(gmail, raw, labelIds, [], hasOwnDate)) }
}

/** Creates a draft, or replaces the message of one. */
async function saveDraft(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { id } = call.params
  const old = id === undefined ? [] : await mailsIn(gmail, call)
  const flags = ['\\Draft', ...(id === undefined ? [] : [`${DRAFT_ID}${id}`])]
  const mail = await addMail(gmail, messageIn(call).raw, ['DRAFT'], flags)
  await deleteMails(gmail, old)
  return { body: { id: draftIdOf(mail), message: await summary(gmail, mail) } }
}

/** Sends a message, or a draft, which it deletes then. */
async function send(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { id = '', raw } = messageIn(call)
  const draft = kindOf(call) === 'drafts' && id !== '' ? await mailsIn(gmail, { ...call, params: { id } }) : []
  const [mail] = draft
  const body = await sendMail(gmail, mail && raw.length === 0 ? await octetsOf(gmail, mail) : raw)
  await deleteMails(gmail, draft)
  return { body }
}

/** The methods that messages and threads share. */
const actionsOn = (kind: 'messages' | 'threads') => ({
  [`POST ${kind}/{id}/modify`]: async (call: ProviderCall) => change(call, ...modificationIn(call)),
  [`POST ${kind}/{id}/trash`]: (call: ProviderCall) => change(call, ['TRASH'], []),
  [`POST ${kind}/{id}/untrash`]: (call: ProviderCall) => change(call, [], ['TRASH']),
})
const methodsOf = (kind: Kind) => ({
  [`GET ${kind}`]: list,
  [`GET ${kind}/{id}`]: get,
  [`DELETE ${kind}/{id}`]: remove,
})

export const mailRoutes: readonly ProviderRoute[] = routesOf({
  ...methodsOf('messages'),
  ...methodsOf('threads'),
  ...methodsOf('drafts'),
  ...actionsOn('messages'),
  ...actionsOn('threads'),
  'POST messages': (call) => add(call, 'receivedTime'),
  'POST messages/import': (call) => add(call, 'dateHeader'),
  'POST messages/send': send,
  'POST messages/batchModify': async (call) => (await change(call, ...modificationIn(call))) && EMPTY,
  'POST messages/batchDelete': remove,
  'GET messages/{id}/attachments/{part}': async (call) => ({ body: await attachmentOf(await gmailOf(call), call) }),
  'POST drafts': saveDraft,
  'POST drafts/send': send,
  'PUT drafts/{id}': saveDraft,
})
