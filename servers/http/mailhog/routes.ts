import { z } from 'zod'
import { contentDisposition } from '../../../src/api/messages/content-disposition.ts'
import { type Condition, conditionOn, wordsCondition } from '../../../src/api/messages/search.ts'
import { Content } from '../../../src/api/operation.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { filenameOf } from '../../../src/mail/format/attachments.ts'
import { partOctetsOrRawInSteps } from '../../../src/mail/format/parts.ts'
import { deleteMails, firstCopies, type Mail } from '../delivered-mail.ts'
import {
  administers,
  bodyOf,
  changes,
  contentResponse,
  countParameter,
  jsonResponse,
  notOffered,
  pathParameter,
  type Route,
  type RouteCall,
  reads,
} from '../routes.ts'
import {
  assertFits,
  assertSends,
  deletedMeanwhile,
  MAX_ANSWER_OCTETS,
  mailsOf,
  messageFile,
  readFor,
  recipientsOf,
  release,
  requestedMail,
  sendingConnectors,
} from '../tool-mail.ts'
import { mailHogMessage, mailHogParts } from './shape.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 250
/** MailHog's first API has no pages. */
const MAX_UNPAGED = 1_000

async function messagesOf({ api }: RouteCall, mails: readonly Mail[]): Promise<object[]> {
  const octets = mails.reduce((sum, { copies: [{ entry }] }) => sum + entry.sizeOctets, 0)
  if (octets > MAX_ANSWER_OCTETS) {
    const why = `these messages have ${octets} octets together, and an answer at most ${MAX_ANSWER_OCTETS}`
    throw new ApiProblem('too-large', `${why}; ask for fewer: /api/v2/messages?limit=10`)
  }
  const found = []
  using source = api.lab.store.readAhead(firstCopies(mails))
  for (const mail of mails) {
    const message = await mailHogMessage(api, mail, source)
    if (message) found.push(message)
    if (isSliceOver()) await nextSlice()
  }
  return found
}

async function answerPage(call: RouteCall, found: readonly Mail[]): Promise<Response> {
  const { c } = call
  const start = countParameter(c, 'start', 0)
  const limit = Math.min(countParameter(c, 'limit', DEFAULT_LIMIT) || DEFAULT_LIMIT, MAX_LIMIT)
  const items = await messagesOf(call, found.slice(start, start + limit))
  return jsonResponse(c, { total: found.length, count: items.length, start, items })
}

/** A kind of search looks at a field of the lab's own search, and at addresses of the envelope. */
interface SearchKind {
  readonly condition: (value: string) => Condition
  readonly isAddressed: (call: RouteCall, mail: Mail, part: string) => Promise<boolean>
}

const kinds: Readonly<Record<string, SearchKind>> = {
  from: {
    condition: (value) => conditionOn('from', value),
    isAddressed: async (_, { copies: [{ entry }] }, part) => hasPart([entry.envelope?.mailFrom ?? ''], part),
  },
  to: { condition: (value) => conditionOn('to', value), isAddressed: isSeenTo },
  containing: { condition: (value) => wordsCondition(value), isAddressed: async () => false },
}

const hasPart = (addresses: readonly string[], part: string): boolean =>
  addresses.some((one) => one.toLowerCase().includes(part.toLowerCase()))

/** Returns whether a recipient in the envelope has a part in its address. Blind copies are found by those who see them. */
async function isSeenTo({ api }: RouteCall, mail: Mail, part: string): Promise<boolean> {
  const [first] = mail.copies
  if (!hasPart(first.entry.envelope?.rcptTo ?? [], part)) return false
  const facts = await api.reader.facts(first)
  return facts !== undefined && hasPart(recipientsOf(api, mail, facts), part)
}

const search = reads('/api/v2/search', async (call) => {
  const { kind = '', query = '' } = call.c.req.query()
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!known) throw new ApiProblem('bad-request', `kind: is one of ${Object.keys(kinds).join(', ')}, not "${kind}"`)
  if (query === '') throw new ApiProblem('bad-request', 'query: is missing; write query=alice, for example')
  const delivered = await mailsOf(call)
  const matching = new Set((await delivered.matching([known.condition(query)])).mails)
  const found: Mail[] = []
  for (const mail of delivered.all.mails) {
    if (matching.has(mail) || (await known.isAddressed(call, mail, query))) found.push(mail)
    if (isSliceOver()) await nextSlice()
  }
  return answerPage(call, found)
})

const get = reads('/api/v1/messages/:id', async (call) => {
  const mail = await requestedMail(call)
  assertFits(mail, `/mailhog/api/v1/messages/${mail.id}/download`)
  const message = await mailHogMessage(call.api, mail)
  if (!message) throw deletedMeanwhile(mail)
  return jsonResponse(call.c, message)
})

const downloadPart = reads('/api/v1/messages/:id/mime/part/:part/download', async (call) => {
  const mail = await requestedMail(call)
  return readFor(call, mail, async ({ raw, structure }) => {
    const parts = mailHogParts(raw, structure)
    const number = pathParameter(call.c, 'part')
    const found = /^\d+$/.test(number) ? parts[Number(number)] : undefined
    if (!found) throw notFound(`message ${mail.id} has no part ${number}; it has ${parts.length} parts, counted from 0`)
    const { part, start, end } = found
    const filename = (part && filenameOf(part)) ?? `${mail.id}-part-${number}`
    const headers = { 'Content-Disposition': contentDisposition(filename) }
    const octets = part ? await runInSlices(partOctetsOrRawInSteps(raw, part)) : raw.subarray(start, end)
    return contentResponse(call.c, new Content('application/octet-stream', octets, headers))
  })
})

const outgoing: Route = {
  method: 'GET',
  path: '/api/v2/outgoing-smtp',
  access: 'inspect',
  run(call) {
    assertSends(call)
    const servers = sendingTo(call).map(({ name, smartHost }) => [
      name,
      {
        Name: name,
        Save: false,
        Email: '',
        Host: smartHost?.host ?? '',
        Port: `${smartHost?.port ?? ''}`,
        Username: smartHost?.user ?? '',
        Password: '',
        Mechanism: '',
      },
    ])
    return jsonResponse(call.c, Object.fromEntries(servers))
  },
}

/** Returns the connectors that send mail to one host. */
const sendingTo = (call: RouteCall) => sendingConnectors(call).filter(({ smartHost }) => smartHost !== undefined)

const releaseInput = z.object({
  name: z.string().optional(),
  email: z.string().trim().min(1),
  host: z.string().optional(),
  port: z.coerce.string().optional(),
})

const releaseOne = administers('POST', '/api/v1/messages/:id/release', async (call) => {
  assertSends(call)
  const { name, email, host, port } = await bodyOf(call, releaseInput)
  const connector = name || (host ? connectorAt(call, host, port) : undefined)
  await release(call, await requestedMail(call), [email], connector)
  return call.c.body(null, 200)
})

/** Returns the connector that sends to a host. @throws ApiProblem `conflict`: the lab sends only to hosts of its configuration */
function connectorAt(call: RouteCall, host: string, port: string | undefined): string {
  const known = sendingTo(call)
  const found = known.find(({ smartHost }) => smartHost?.host === host && `${smartHost.port}` === (port || '25'))
  if (found) return found.name
  const hosts = known.map(({ smartHost }) => `${smartHost?.host}:${smartHost?.port}`).join(', ')
  throw new ApiProblem(
    'conflict',
    `the lab sends no mail to ${host}:${port || '25'}; the smart hosts of its connectors are: ${hosts || 'none'}`,
  )
}

/** The APIs of MailHog, below `/mailhog`. https://github.com/mailhog/MailHog/tree/master/docs */
export const mailHogRoutes: readonly Route[] = [
  reads('/api/v2/messages', async (call) => answerPage(call, (await mailsOf(call)).all.mails)),
  search,
  ...notOffered('GET', ['/api/v2/jim'], 'the lab has faults in place of Jim'),
  outgoing,
  reads('/api/v1/messages', async (call) =>
    jsonResponse(call.c, await messagesOf(call, (await mailsOf(call)).all.mails.slice(0, MAX_UNPAGED))),
  ),
  changes('DELETE', '/api/v1/messages', async (call) => {
    await deleteMails(call.api, (await mailsOf(call)).all.mails)
    return call.c.body(null, 200)
  }),
  ...notOffered('GET', ['/api/v1/events'], 'read /api/v1/events of the lab, which has other events'),
  get,
  changes('DELETE', '/api/v1/messages/:id', async (call) => {
    await deleteMails(call.api, [await requestedMail(call)])
    return call.c.body(null, 200)
  }),
  reads('/api/v1/messages/:id/download', async (call) => {
    const mail = await requestedMail(call)
    return readFor(call, mail, (message) => messageFile(call, message, mail.id))
  }),
  downloadPart,
  releaseOne,
]
