import { z } from 'zod'
import { notFound } from '../../../src/api/problem.ts'
import { version } from '../../../src/core/text/version.ts'
import { runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import { deleteMails, type Mail } from '../delivered-mail.ts'
import {
  administers,
  bodyOf,
  changes,
  jsonResponse,
  notOffered,
  pathParameter,
  type Route,
  type RouteCall,
  reads,
} from '../routes.ts'
import {
  assertSends,
  deletedMeanwhile,
  formOf,
  htmlResponse,
  mailsOf,
  markAsRead,
  markShown,
  messageFile,
  partFile,
  type ReceivedMail,
  readFor,
  recipientsOf,
  release,
  requestedMail,
  sendingConnectors,
  textResponse,
} from '../tool-mail.ts'
import { attachmentsOf } from './attachments.ts'
import { type Form, listRoute, summaryRoute } from './list.ts'
import { socketIoRoutes } from './socket-io.ts'
import { maildevSummary, versionThree } from './version-three.ts'
import { versionTwo } from './version-two.ts'

const show =
  (form: Form): Route['run'] =>
  async (call) => {
    const mail = await requestedMail(call)
    const isRead = mail.isRead || call.caller.role !== 'reader'
    const shown = await formOf(call, { ...mail, isRead }, form)
    await markShown(call, mail)
    return jsonResponse(call.c, shown)
  }

async function attachment(call: RouteCall): Promise<Response> {
  const mail = await requestedMail(call)
  const wanted = pathParameter(call.c, 'filename')
  const all = await readFor(call, mail, (message) => runInSlices(attachmentsOf(message)))
  const found = all.find(({ generatedFileName }) => generatedFileName === wanted)
  if (!found) {
    const known = all.map(({ generatedFileName }) => generatedFileName).join(', ') || 'no attachments'
    throw notFound(`message ${mail.id} has no attachment ${wanted}; it has ${known}`)
  }
  const { contentType, content, filename } = found.file
  return partFile(call, contentType, content, filename ?? wanted)
}

const removeSome = changes('POST', '/api/email/delete', async (call) => {
  const { ids } = await bodyOf(call, z.object({ ids: z.array(z.string().min(1)) }))
  const delivered = await mailsOf(call)
  const wanted: { readonly id: string; readonly mail: Mail | undefined }[] = []
  for (const id of new Set(ids)) wanted.push({ id, mail: await delivered.find(id) })
  await deleteMails(
    call.api,
    wanted.flatMap(({ mail }) => mail ?? []),
  )
  const idsOf = (isFound: boolean): string[] =>
    wanted.flatMap(({ id, mail }) => ((mail !== undefined) === isFound ? [id] : []))
  return jsonResponse(call.c, { deleted: idsOf(true), notFound: idsOf(false) })
})

async function relay(call: RouteCall): Promise<Response> {
  assertSends(call)
  const mail = await requestedMail(call)
  const to = pathParameter(call.c, 'relayTo')
  const facts = await call.api.reader.facts(mail.copies[0])
  if (!facts) throw deletedMeanwhile(mail)
  await release(call, mail, to === '' ? recipientsOf(call.api, mail, facts) : [to])
  return jsonResponse(call.c, true)
}

function config(call: RouteCall): Response {
  const { api, c } = call
  const sending = sendingConnectors(call)
  return jsonResponse(c, {
    version,
    smtpPort: api.lab.endpoints().find(({ protocol }) => protocol === 'smtp')?.port,
    isOutgoingEnabled: sending.length > 0,
    outgoingHost: sending.find(({ smartHost }) => smartHost !== undefined)?.smartHost?.host ?? null,
  })
}

/** Returns the routes of a version of MailDev below its base. Longer paths come before `/email/:id`, which would match them. */
const rowsOf = (base: string, form: Form): Route[] => [
  listRoute(`${base}/email`, form),
  changes('DELETE', `${base}/email/all`, async (call) => {
    await deleteMails(call.api, (await mailsOf(call)).all.mails)
    return jsonResponse(call.c, true)
  }),
  changes('PATCH', `${base}/email/read-all`, async (call) =>
    jsonResponse(call.c, await markAsRead(call, (await mailsOf(call)).all.mails)),
  ),
  reads(`${base}/email/:id`, show(form)),
  changes('DELETE', `${base}/email/:id`, async (call) => {
    await deleteMails(call.api, [await requestedMail(call)])
    return jsonResponse(call.c, true)
  }),
  reads(`${base}/email/:id/html`, async (call) => {
    const mail = await requestedMail(call)
    return readFor(call, mail, (message) => htmlResponse(call, message, `message ${mail.id} has no HTML part`))
  }),
  reads(`${base}/email/:id/attachment/:filename`, attachment),
  reads(`${base}/email/:id/source`, async (call) =>
    readFor(call, await requestedMail(call), ({ raw }) => textResponse(call, raw)),
  ),
  reads(`${base}/email/:id/download`, async (call) => {
    const mail = await requestedMail(call)
    return readFor(call, mail, (message) => messageFile(call, message, mail.id))
  }),
  administers('POST', `${base}/email/:id/relay`, relay),
  administers('POST', `${base}/email/:id/relay/:relayTo`, relay),
  reads(`${base}/config`, config),
  ...notOffered('GET', [`${base}/reloadMailsFromDirectory`], 'the lab keeps no folder of .eml files to read again'),
]

/** MailDev 2 sends a whole message when it arrives, MailDev 3 a line of its list. */
function* arrival(received: ReceivedMail): Steps<object> {
  return { ...maildevSummary(received.mail, received.facts), ...(yield* versionTwo(received)) }
}

/** The APIs of MailDev, below `/maildev`: MailDev 2 at `/email`, MailDev 3 at `/api/email`. */
export const mailDevRoutes: readonly Route[] = [
  summaryRoute,
  removeSome,
  ...rowsOf('/api', versionThree),
  ...rowsOf('', versionTwo),
  ...socketIoRoutes(arrival),
]

const HEALTHY = { type: 'application/json', text: 'true' }

/** Paths that say whether the lab runs, without a log-on. */
export const mailDevHealth = { '/maildev/healthz': HEALTHY, '/maildev/api/healthz': HEALTHY }
