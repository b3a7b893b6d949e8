import { z } from 'zod'
import type { Api } from '../../../src/api/api.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import { type Condition, wordsCondition } from '../../../src/api/messages/search.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { GrowingBuffer } from '../../../src/core/octets/growing-buffer.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { filenameOf } from '../../../src/mail/format/attachments.ts'
import { appendPartText, partOctetsOrRawInSteps } from '../../../src/mail/format/parts.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { hasBody } from '../body.ts'
import { deleteMails, type Mail } from '../delivered-mail.ts'
import {
  administers,
  bodyOf,
  changes,
  jsonResponse,
  pathParameter,
  type Route,
  type RouteCall,
  reads,
} from '../routes.ts'
import {
  assertSends,
  bodyTextResponse,
  formOf,
  formsOf,
  hasPlainText,
  htmlResponse,
  mailsOf,
  markAsRead,
  messageFile,
  partFile,
  readFor,
  recipientsOf,
  release,
  textResponse,
} from '../tool-mail.ts'
import { mailOfGuid } from './ids.ts'
import { DEFAULT_MAILBOX, inAllMailboxes, inMailbox } from './mailboxes.ts'
import { numberIn, pagedList, parameterOf } from './paging.ts'
import { partsInOrder } from './parts.ts'
import { smtp4devMessage, smtp4devSummary } from './shapes.ts'

const INBOX = 'INBOX'
/** Messages in a list of new ones. */
const NEW_LIMIT = 50

const nothing = ({ c }: RouteCall): Response => c.body(null, 200)

/** Returns the mail of the mailbox that a request names, the newest first. A mailbox has one folder. */
async function mailsIn(call: RouteCall, conditions: readonly Condition[] = []): Promise<readonly Mail[]> {
  const folder = parameterOf(call, 'folderName') || INBOX
  if (folder.toUpperCase() !== INBOX) return []
  const { mails } = await (await mailsOf(call)).matching(conditions)
  return inMailbox(call, mails, parameterOf(call, 'mailboxName') || DEFAULT_MAILBOX)
}

/** Returns the message with an id, in whichever mailbox it is. */
const findMail = async (call: RouteCall, guid: string): Promise<Mail | undefined> =>
  mailOfGuid(inAllMailboxes(call, (await mailsOf(call)).all.mails), guid)

/** Returns the message that the path of a request names. @throws ApiProblem `not-found` */
export async function requestedMail(call: RouteCall): Promise<Mail> {
  const guid = pathParameter(call.c, 'id')
  const found = await findMail(call, guid)
  if (found) return found
  throw notFound(`there is no message ${guid}; it was deleted, or it belongs to someone else`)
}

type Work<T> = (of: T) => Response | Promise<Response>

const readOf = async (call: RouteCall, work: Work<ReadableMessage>): Promise<Response> =>
  readFor(call, await requestedMail(call), work)

interface FoundPart {
  readonly raw: Buffer
  readonly part: MessagePart
  readonly number: string
}

/** @throws ApiProblem `not-found` */
const partOf = (call: RouteCall, work: Work<FoundPart>): Promise<Response> =>
  readOf(call, ({ raw, structure }) => {
    const parts = partsInOrder(structure)
    const number = pathParameter(call.c, 'part')
    const part = /^\d{1,6}$/.test(number) ? parts[Number(number)] : undefined
    if (!part) throw notFound(`the message has no part ${number}; it has ${parts.length}, counted from 0`)
    return work({ raw, part, number })
  })

const summariesOf = (call: RouteCall, mails: readonly Mail[]): Promise<object[]> =>
  formsOf(call, mails, (mail, facts) => smtp4devSummary(call.api, mail, facts))

/** The columns that lists can be sorted by, besides the time of arrival. */
const columns: Readonly<Record<string, (api: Api, mail: Mail, facts: MessageFacts) => string | number>> = {
  subject: (_, __, { subject }) => subject.toLowerCase(),
  from: (_, { copies: [{ entry }] }) => (entry.envelope?.mailFrom ?? '').toLowerCase(),
  to: (api, mail, facts) => recipientsOf(api, mail, facts).join(', ').toLowerCase(),
  isunread: (_, { isRead }) => (isRead ? 0 : 1),
  attachmentcount: (_, __, { attachments }) => attachments,
}

/** Returns messages in the order of a column. @param newest in the order of arrival, the newest first */
async function sortMails(call: RouteCall, newest: readonly Mail[], column: string): Promise<readonly Mail[]> {
  const wanted = column.toLowerCase()
  if (wanted === '' || wanted === 'receiveddate') return newest
  const keyOf = Object.hasOwn(columns, wanted) ? columns[wanted] : undefined
  if (!keyOf) {
    const known = ['receivedDate', ...Object.keys(columns)].join(', ')
    throw new ApiProblem('bad-request', `sortColumn: is one of ${known}, not "${column}"`)
  }
  const keyed = await formsOf(call, newest, (mail, facts) => ({ mail, key: keyOf(call.api, mail, facts) }), true)
  return keyed.sort((a, b) => (a.key > b.key ? -1 : a.key < b.key ? 1 : 0)).map(({ mail }) => mail)
}

async function list(call: RouteCall): Promise<Response> {
  const phrase = parameterOf(call, 'searchTerms').trim()
  const matching = await mailsIn(call, phrase === '' ? [] : [wordsCondition(phrase)])
  const descending = await sortMails(call, matching, parameterOf(call, 'sortColumn'))
  const mails = /^false$/i.test(parameterOf(call, 'sortIsDescending')) ? descending.toReversed() : descending
  return jsonResponse(call.c, await pagedList(call, mails, (some) => summariesOf(call, some)))
}

async function listNew(call: RouteCall): Promise<Response> {
  const mails = await mailsIn(call)
  const last = parameterOf(call, 'lastSeenMessageId')
  const seen = last === '' ? undefined : mailOfGuid(mails, last)
  const fresh = seen ? mails.slice(0, mails.indexOf(seen)) : mails
  return jsonResponse(call.c, await summariesOf(call, fresh.slice(0, numberIn(call, 'pageSize', NEW_LIMIT))))
}

const plainText = (call: RouteCall): Promise<Response> =>
  readOf(call, (message) => {
    if (!hasPlainText(message)) throw notFound('the message has no plain text; read its html')
    return bodyTextResponse(call, message)
  })

const partContent = (call: RouteCall): Promise<Response> =>
  partOf(call, async ({ raw, part, number }) => {
    const type = `${part.type}/${part.subtype}`.toLowerCase()
    const octets = await runInSlices(partOctetsOrRawInSteps(raw, part))
    return partFile(call, type, octets, filenameOf(part) ?? `part-${number}`)
  })

async function remove(call: RouteCall): Promise<Response> {
  // As in smtp4dev, a message that does not exist is deleted.
  const mail = await findMail(call, pathParameter(call.c, 'id'))
  if (mail) await deleteMails(call.api, [mail])
  return nothing(call)
}

async function removeAll(call: RouteCall): Promise<Response> {
  await deleteMails(call.api, await mailsIn(call))
  return nothing(call)
}

const relayInput = z.object({ overriderecipientaddresses: z.array(z.string().trim().min(1)).default([]) })

/** Sends a message by a connector. */
async function relay(call: RouteCall): Promise<Response> {
  assertSends(call)
  const { overriderecipientaddresses: others } = hasBody(call.c) ? await bodyOf(call, relayInput) : relayInput.parse({})
  const mail = await requestedMail(call)
  const { envelope } = mail.copies[0].entry
  await release(call, mail, others.length > 0 ? others : (envelope?.rcptTo ?? []))
  return nothing(call)
}

/** Creates the routes of messages below a base such as `/api/messages`. */
export const messageRoutes = (base: string): Route[] => [
  reads(base, list),
  reads(`${base}/new`, listNew),
  reads(`${base}/folders`, ({ c }) => jsonResponse(c, [INBOX])),
  changes('DELETE', `${base}/:all{\\*}`, removeAll),
  changes('DELETE', base, removeAll),
  changes('POST', `${base}/markAllRead`, async (call) => {
    await markAsRead(call, await mailsIn(call))
    return nothing(call)
  }),
  reads(`${base}/:id`, async (call) =>
    jsonResponse(
      call.c,
      await formOf(call, await requestedMail(call), (received) => smtp4devMessage(call.api, received)),
    ),
  ),
  changes('DELETE', `${base}/:id`, remove),
  reads(`${base}/:id/raw`, (call) => readOf(call, ({ raw }) => textResponse(call, raw))),
  reads(`${base}/:id/source`, (call) =>
    readOf(call, (message) =>
      message.html === undefined ? bodyTextResponse(call, message) : textResponse(call, message.html),
    ),
  ),
  reads(`${base}/:id/plaintext`, plainText),
  reads(`${base}/:id/html`, (call) =>
    readOf(call, (message) => htmlResponse(call, message, 'the message has no HTML; read its plaintext')),
  ),
  reads(`${base}/:id/download`, (call) =>
    readOf(call, (message) => messageFile(call, message, pathParameter(call.c, 'id'))),
  ),
  changes('POST', `${base}/:id/markRead`, async (call) => {
    await markAsRead(call, [await requestedMail(call)])
    return nothing(call)
  }),
  reads(`${base}/:id/part/:part/content`, partContent),
  reads(`${base}/:id/part/:part/source`, (call) =>
    partOf(call, async ({ raw, part }) => {
      const text = GrowingBuffer.withRoom(part.bodyEnd - part.bodyStart)
      await runInSlices(appendPartText(text, raw, part))
      return textResponse(call, text.octets)
    }),
  ),
  reads(`${base}/:id/part/:part/raw`, (call) =>
    partOf(call, ({ raw, part }) => textResponse(call, raw.subarray(part.headerStart, part.bodyEnd))),
  ),
  administers('POST', `${base}/:id/relay`, relay),
]
