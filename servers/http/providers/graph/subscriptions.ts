import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Api } from '../../../../src/api/api.ts'
import { messageId } from '../../../../src/api/messages/message-index.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { accountOf, type Folder } from '../../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../../src/storage/store/message-entry.ts'
import type { StoreEvent } from '../../../../src/storage/store/store-events.ts'
import { sourceOf } from '../deliver.ts'
import { type Answer, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'
import { GraphError } from './errors.ts'
import { folderOf } from './folders.ts'
import { changeKey } from './message.ts'
import { answer, type GraphRequest, route } from './odata.ts'

/** Mail has less than seven days. https://learn.microsoft.com/en-us/graph/api/resources/subscription */
const MAX_LIFE_MS = 10_080 * 60_000
const MAX_SUBSCRIPTIONS = 1000
/** Messages of one notification, so that those that wait stay small. */
const MAX_NOTIFIED = 100

const expiration = z.object({ expirationDateTime: z.iso.datetime({ offset: true }) })
const input = expiration.extend({
  changeType: z.string().regex(/^(?:created|updated|deleted)(?:,(?:created|updated|deleted)){0,2}$/),
  notificationUrl: z.string().max(2048),
  resource: z.string().max(1024),
  clientState: z.string().max(128).optional(),
  includeResourceData: z.boolean().optional(),
})

interface Subscription {
  /** As Graph shows it. */
  readonly shown: z.output<typeof input> & { readonly id: string }
  /** The mailbox. */
  readonly owner: Folder['owner']
  /** Absent: all folders. */
  readonly folderId?: string | undefined
  readonly source: string
  /** The node that sends its notifications. */
  readonly node: string
}

const subscriptionsOf = ({ lab }: Api) => lab.values.map<Subscription>('graph-subscriptions')

/** Returns the subscriptions of a mailbox that have not ended. */
const liveOf = (api: Api, mailbox: Folder['owner']): Subscription[] =>
  [...subscriptionsOf(api).values()].filter(
    ({ owner, shown }) => owner === mailbox && Date.parse(shown.expirationDateTime) > api.lab.clock.now(),
  )

/** The labs whose changes this process follows. */
const followed = new WeakSet<Api>()
const TYPES: Readonly<Partial<Record<string, string>>> = { appended: 'created', flags: 'updated', expunged: 'deleted' }

/** Sends the notifications of the subscriptions of this node. */
function follow(api: Api): void {
  if (followed.has(api)) return
  followed.add(api)
  const { lab } = api
  const wanted = ({ owner, id }: Folder) =>
    liveOf(api, owner).filter(({ node, folderId = id }) => node === lab.cluster.node && folderId === id)
  const notify = (event: StoreEvent): void => {
    const type = TYPES[event.type]
    const all = 'uids' in event ? event.uids.map((uid) => ({ uid })) : 'entries' in event ? event.entries : []
    if (type === undefined) return
    for (const one of wanted(event.folder).filter(({ shown }) => shown.changeType.split(',').includes(type))) {
      for (let at = 0; at < all.length; at += MAX_NOTIFIED) {
        const value = all.slice(at, at + MAX_NOTIFIED).map((entry) => notification(one, type, event.folder, entry))
        const post = { event: `message.${type}`, body: JSON.stringify({ value }), source: one.source, delayMs: 0 }
        const sent = api.webhooks?.post(one.shown.notificationUrl, post)
        sent?.catch((error: unknown) => lab.logError(error, 'a notification of Graph is lost'))
      }
    }
  }
  api.onReset(() => subscriptionsOf(api).clear())
  lab.store.watch(notify, { follows: (folder) => wanted(folder).length > 0 })
}

type Changed = Pick<MessageEntry, 'uid'> & Partial<MessageEntry>

/** https://learn.microsoft.com/en-us/graph/api/resources/changenotification */
function notification({ shown }: Subscription, changeType: string, folder: Folder, { uid, modSeq }: Changed): object {
  const id = messageId(folder.id, uid)
  const resource = `Users/${accountOf(folder)}/Messages/${id}`
  const tag = modSeq === undefined ? {} : { '@odata.etag': `W/"${changeKey(modSeq)}"` }
  return {
    subscriptionId: shown.id,
    subscriptionExpirationDateTime: shown.expirationDateTime,
    changeType,
    resource,
    clientState: shown.clientState,
    tenantId: '00000000-0000-0000-0000-000000000000',
    resourceData: { '@odata.type': '#Microsoft.Graph.Message', '@odata.id': resource, ...tag, id },
  }
}

const refuse = (message: string, code = 'ValidationError', status = 400): never => {
  throw new GraphError(status, code, message)
}

/** Returns the end of a subscription in its form. @throws GraphError */
function endOf({ call }: GraphRequest, { expirationDateTime }: z.output<typeof expiration>): string {
  const end = Date.parse(expirationDateTime)
  const left = end - call.context.clock.now()
  if (left > 0 && left <= MAX_LIFE_MS) return timeText(end)
  return refuse(`Subscription expiration can only be ${left > 0 ? '10080 minutes ' : ''}in the future.`)
}

/** `me/messages`, `me/mailFolders('inbox')/messages`, also with the address of the account. */
const RESOURCE = /^\/?(?:me|users\/([^/]+))(?:\/mailFolders(?:\/|\(')([^/']+)(?:'\))?)?\/messages\/?$/i

async function create(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const { api } = call
  const given = jsonBody(call, input)
  const { resource, notificationUrl } = given
  if (given.includeResourceData) throw new ProviderError('not-offered', 'Sealpost sends no resource data')
  const [, user, folder] = RESOURCE.exec(resource) ?? refuse(`resource: ${resource} is not the messages of a mailbox`)
  if (user !== undefined && api.lab.directory.findByAddress(user)?.user !== mailbox.account.user)
    refuse('Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied.]', 'ExtensionError', 403)
  const folderId = folder === undefined ? undefined : (await folderOf(mailbox, folder)).id
  const shown = { id: randomUUID(), ...given, expirationDateTime: endOf(request, given) }
  const live = liveOf(api, mailbox.owner)
  for (const [id, one] of subscriptionsOf(api).entries())
    if (one.owner === mailbox.owner && !live.includes(one)) await subscriptionsOf(api).delete(id)
  if (live.length >= MAX_SUBSCRIPTIONS) refuse('The limit of subscriptions is reached.', 'Forbidden', 403)
  const source = sourceOf(call)
  // https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${randomUUID()}`
  const reply =
    (await api.webhooks?.ask(notificationUrl, source, `validationToken=${encodeURIComponent(token)}`)) ??
    refuse(`notificationUrl: ${notificationUrl} is not one of \`webhooks\` of the provider graph; add it there`)
  if (reply.status !== 200 || reply.text !== token)
    refuse(`Subscription validation request failed. Must respond with 200 OK and the token. ${reply.error ?? ''}`)
  follow(api)
  return kept(request, { shown, owner: mailbox.owner, folderId, source, node: api.lab.cluster.node }, 201)
}

/** Returns a subscription of the account by its id. @throws GraphError */
const found = ({ call, mailbox, params }: GraphRequest): Subscription =>
  liveOf(call.api, mailbox.owner).find(({ shown }) => shown.id === params.id) ??
  refuse('The object was not found.', 'ResourceNotFound', 404)

async function kept(request: GraphRequest, one: Subscription, status = 200): Promise<Answer> {
  await subscriptionsOf(request.call.api).put(one.shown.id, one)
  return answer(request, 'subscriptions/$entity', one.shown, status)
}

async function renew(request: GraphRequest): Promise<Answer> {
  const one = found(request)
  const expirationDateTime = endOf(request, jsonBody(request.call, expiration))
  return kept(request, { ...one, shown: { ...one.shown, expirationDateTime } })
}

async function remove(request: GraphRequest): Promise<Answer> {
  await subscriptionsOf(request.call.api).delete(found(request).shown.id)
  return { status: 204 }
}

async function list(request: GraphRequest): Promise<Answer> {
  const value = liveOf(request.call.api, request.mailbox.owner).map(({ shown }) => shown)
  return answer(request, 'subscriptions', { value })
}

export const subscriptionRoutes = [
  route('GET', '/subscriptions', list),
  route('POST', '/subscriptions', create),
  route('GET', '/subscriptions{id}', async (request) => answer(request, 'subscriptions/$entity', found(request).shown)),
  route('PATCH', '/subscriptions{id}', renew),
  route('DELETE', '/subscriptions{id}', remove),
]
