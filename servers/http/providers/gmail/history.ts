import { z } from 'zod'
import { hexId, type LabelChange, labelChanges } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'
import { EMPTY, type Gmail, gmailOf, limitIn, numberIn, routesOf } from './account.ts'
import { invalid, notFound } from './errors.ts'
import { notifyOf, type Watch, watchChange, watchOf } from './notify.ts'

const WATCH_MS = 7 * 86_400_000

const TYPES = /^(?:message(?:Added|Deleted)|label(?:Added|Removed))$/

async function profile(call: ProviderCall): Promise<Answer> {
  const { history, address } = await gmailOf(call)
  const mails = [...history.mails.values()]
  const threadsTotal = new Set(await history.threadIds(mails)).size
  return { body: { emailAddress: address, messagesTotal: mails.length, threadsTotal, historyId: `${history.last}` } }
}

/** The addresses of the account, from which it may send. The first is its own. */
async function sendAs(call: ProviderCall): Promise<Answer> {
  const { account, address } = await gmailOf(call)
  const all = [...new Set([address, ...account.addresses])].map((sendAsEmail) => ({
    sendAsEmail,
    displayName: '',
    replyToAddress: '',
    signature: '',
    ...(sendAsEmail === address
      ? { isPrimary: true, isDefault: true }
      : { treatAsAlias: true, verificationStatus: 'accepted' }),
  }))
  if (call.params.address === undefined) return { body: { sendAs: all } }
  const wanted = call.params.address.replaceAll('%40', '@').toLowerCase()
  const found = all.find((one) => one.sendAsEmail.toLowerCase() === wanted)
  if (!found) throw notFound()
  return { body: found }
}

/** https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list */
async function list(call: ProviderCall): Promise<Answer> {
  const gmail = await gmailOf(call)
  const { history, query } = gmail
  const [start, limit] = [numberIn(gmail, 'startHistoryId'), limitIn(gmail)]
  if (start === undefined) throw invalid('Missing required parameter: startHistoryId')
  const [types, label] = [query.getAll('historyTypes'), query.get('labelId')]
  const unknown = types.find((type) => !TYPES.test(type))
  if (unknown !== undefined) throw invalid(`Invalid value at 'history_types': "${unknown.slice(0, 50)}"`)
  const isWanted = ({ type, labels, changed = [] }: LabelChange): boolean =>
    (types.length === 0 || types.includes(type.replace(/s(?=[A-Z])/, ''))) &&
    (label === null || [...labels, ...changed].includes(label))
  const after = Math.max(start, numberIn(gmail, 'pageToken') ?? 0)
  // The id is too old, or it is not one of this mailbox: the client synchronizes again.
  if (!history.keeps(after)) throw notFound()
  const shown: { id: string }[] = []
  for await (const [number, step] of history.stepsAfter(after)) {
    if (!step) throw notFound()
    const wanted = labelChanges(step).filter(isWanted)
    if (wanted.length > 0) shown.push(await recordOf(gmail, number, wanted))
    if (shown.length > limit) break
  }
  const next = shown.length > limit ? { nextPageToken: `${shown[limit - 1]?.id}` } : {}
  shown.length = Math.min(shown.length, limit)
  return { body: { ...(shown.length > 0 && { history: shown }), ...next, historyId: `${history.last}` } }
}

async function recordOf({ history }: Gmail, id: number, changes: readonly LabelChange[]) {
  const record: Record<string, object[]> = {}
  const messages = new Map<string, object>()
  for (const change of changes) {
    const mail = history.mails.get(change.id)
    const [thread = change.threadId ?? change.id] = mail ? await history.threadIds([mail]) : []
    const summary = { id: hexId(change.id), threadId: hexId(thread) }
    messages.set(change.id, summary)
    const message = { ...summary, labelIds: change.labels }
    ;(record[change.type] ??= []).push({ message, ...(change.changed && { labelIds: change.changed }) })
  }
  return { id: `${id}`, messages: [...messages.values()], ...record }
}

const watchInput = z.object({
  topicName: z.string().regex(/^projects\/[^/]{1,100}\/topics\/[^/]{1,300}$/, 'is not projects/PROJECT/topics/TOPIC'),
  labelIds: z.array(z.string().max(200)).max(1000).default([]),
  labelFilterBehavior: z.enum(['include', 'exclude', 'INCLUDE', 'EXCLUDE']).default('include'),
})

async function watch(call: ProviderCall): Promise<Answer> {
  const { topicName, labelIds, labelFilterBehavior } = jsonBody(call, watchInput)
  const { api, config, context } = call
  if (!api.webhooks || config.webhooks.length === 0)
    throw invalid(`Error sending test message to Cloud PubSub ${topicName} : add \`webhooks\` to the provider gmail`)
  const gmail = await gmailOf(call)
  const { history, store, owner } = gmail
  const expiration = context.clock.now() + WATCH_MS
  const kept: Watch = { topicName, labelIds, excludes: /^exclude$/i.test(labelFilterBehavior), expiration }
  await store.changeValues(watchOf(owner), () => watchChange(kept))
  // Gmail sends a first notification right away.
  await notifyOf(gmail)([{ labels: kept.excludes ? [] : labelIds }], history.last)
  return { body: { historyId: `${history.last}`, expiration: `${expiration}` } }
}

async function stop(call: ProviderCall): Promise<Answer> {
  const { store, owner } = await gmailOf(call)
  await store.changeValues(watchOf(owner), () => watchChange())
  return EMPTY
}

export const historyRoutes: readonly ProviderRoute[] = routesOf({
  'GET profile': profile,
  'GET settings/sendAs': sendAs,
  'GET settings/sendAs/{address}': sendAs,
  'GET history': list,
  'POST watch': watch,
  'POST stop': stop,
})
