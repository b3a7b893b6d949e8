import { z } from 'zod'
import { contentDisposition } from '../../../src/api/messages/content-disposition.ts'
import { htmlDocument } from '../../../src/api/messages/html-document.ts'
import { Content } from '../../../src/api/operation.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { version } from '../../../src/core/text/version.ts'
import { changeFlags, DeliveredMail, deleteMails, type Mail } from '../delivered-mail.ts'
import { bodyOf } from '../mailpit/body.ts'
import { markRead } from '../mark-read.ts'
import { downloadOf } from '../part-content.ts'
import { assertSends, release, sendingConnectors } from '../release.ts'
import { contentResponse, jsonResponse, notOffered, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { attachmentsOf } from './attachments.ts'
import { type Form, listRoute, summaryRoute } from './list.ts'
import { type Received, receivedOf, recipientsOf } from './received.ts'
import { versionThree } from './version-three.ts'
import { versionTwo } from './version-two.ts'

const mailOf = async ({ api, caller, c }: RouteCall): Promise<Mail> =>
  (await DeliveredMail.of(api, caller)).get(pathParameter(c, 'id'))

/** @throws ApiProblem `not-found` */
async function readOf(call: RouteCall): Promise<Received> {
  const mail = await mailOf(call)
  const received = await receivedOf(call.api, mail)
  if (!received) throw notFound(`message ${mail.id} was deleted meanwhile`)
  return received
}

const get = (form: Form): Omit<Route, 'path'> => ({
  method: 'GET',
  access: 'read',
  async run(call) {
    const received = await readOf(call)
    const { mail } = received
    await markRead(call, mail)
    const isRead = mail.isRead || call.caller.role !== 'reader'
    return jsonResponse(call.c, form({ ...received, mail: { ...mail, isRead } }))
  },
})

const html: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { mail, message } = await readOf(call)
    if (message.html === undefined) throw notFound(`message ${mail.id} has no HTML part`)
    return contentResponse(call.c, htmlDocument(message))
  },
}

const attachment: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { mail, message } = await readOf(call)
    const wanted = pathParameter(call.c, 'filename')
    const all = attachmentsOf(message)
    const found = all.find(({ generatedFileName }) => generatedFileName === wanted)
    if (!found) {
      const known = all.map(({ generatedFileName }) => generatedFileName).join(', ') || 'no attachments'
      throw notFound(`message ${mail.id} has no attachment ${wanted}; it has ${known}`)
    }
    const { contentType, content, filename } = found.file
    return contentResponse(call.c, downloadOf(contentType, content, filename ?? wanted))
  },
}

const source: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { message } = await readOf(call)
    return contentResponse(call.c, new Content('text/plain; charset=utf-8', message.raw))
  },
}

const download: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { mail, message } = await readOf(call)
    const headers = { 'Content-Disposition': contentDisposition(`${mail.id}.eml`) }
    return contentResponse(call.c, new Content('message/rfc822', message.raw, headers))
  },
}

const remove: Omit<Route, 'path'> = {
  method: 'DELETE',
  access: 'change',
  async run(call) {
    await deleteMails(call.api, [await mailOf(call)])
    return jsonResponse(call.c, true)
  },
}

const removeAll: Omit<Route, 'path'> = {
  method: 'DELETE',
  access: 'change',
  async run({ api, caller, c }) {
    await deleteMails(api, (await DeliveredMail.of(api, caller)).all.mails)
    return jsonResponse(c, true)
  },
}

const readAll: Omit<Route, 'path'> = {
  method: 'PATCH',
  access: 'change',
  async run({ api, caller, c }) {
    const unread = (await DeliveredMail.of(api, caller)).all.mails.filter(({ isRead }) => !isRead)
    await changeFlags(api, unread, { mode: 'add', flags: ['\\Seen'] })
    return jsonResponse(c, unread.length)
  },
}

const removeSome: Route = {
  method: 'POST',
  path: '/api/email/delete',
  access: 'change',
  async run(call) {
    const { ids } = await bodyOf(call, z.object({ ids: z.array(z.string().min(1)) }))
    const delivered = await DeliveredMail.of(call.api, call.caller)
    const wanted = [...new Set(ids)].map((id) => ({ id, mail: delivered.find(id) }))
    await deleteMails(
      call.api,
      wanted.flatMap(({ mail }) => mail ?? []),
    )
    const idsOf = (isFound: boolean): string[] =>
      wanted.flatMap(({ id, mail }) => ((mail !== undefined) === isFound ? [id] : []))
    return jsonResponse(call.c, { deleted: idsOf(true), notFound: idsOf(false) })
  },
}

const relay: Omit<Route, 'path'> = {
  method: 'POST',
  access: 'administer',
  async run(call) {
    assertSends(call)
    const mail = await mailOf(call)
    const to = pathParameter(call.c, 'relayTo')
    const facts = await call.api.reader.facts(mail.copies[0])
    if (!facts) throw notFound(`message ${mail.id} was deleted meanwhile`)
    await release(call, mail, { to: to === '' ? recipientsOf(call.api, mail, facts) : [to] })
    return jsonResponse(call.c, true)
  },
}

const config: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  run(call) {
    const { api, c } = call
    const sending = sendingConnectors(call)
    return jsonResponse(c, {
      version,
      smtpPort: api.lab.endpoints().find(({ protocol }) => protocol === 'smtp')?.port,
      isOutgoingEnabled: sending.length > 0,
      outgoingHost: sending.find(({ smartHost }) => smartHost !== undefined)?.smartHost?.host ?? null,
    })
  },
}

const socket: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  run() {
    throw new ApiProblem('not-offered', 'the lab does not speak Socket.IO; read its events from /api/v1/events')
  },
}

/** What a version of MailDev has below its base. Longer paths come before `/email/:id`, which would match them. */
const rowsOf = (base: string, form: Form): Route[] => [
  listRoute(`${base}/email`, form),
  { ...removeAll, path: `${base}/email/all` },
  { ...readAll, path: `${base}/email/read-all` },
  { ...get(form), path: `${base}/email/:id` },
  { ...remove, path: `${base}/email/:id` },
  { ...html, path: `${base}/email/:id/html` },
  { ...attachment, path: `${base}/email/:id/attachment/:filename` },
  { ...source, path: `${base}/email/:id/source` },
  { ...download, path: `${base}/email/:id/download` },
  { ...relay, path: `${base}/email/:id/relay` },
  { ...relay, path: `${base}/email/:id/relay/:relayTo` },
  { ...config, path: `${base}/config` },
  ...notOffered('GET', [`${base}/reloadMailsFromDirectory`], 'the lab keeps no folder of .eml files to read again'),
]

/** The APIs of MailDev, below `/maildev`: that of MailDev 2 at `/email`, that of MailDev 3 at `/api/email`. */
export const mailDevRoutes: readonly Route[] = [
  summaryRoute,
  removeSome,
  ...rowsOf('/api', versionThree),
  ...rowsOf('', versionTwo),
  { ...socket, path: '/socket.io/' },
]

const HEALTHY = { type: 'application/json', text: 'true' }

/** Paths that say whether the lab runs, without a log-on. */
export const mailDevHealth = { '/maildev/healthz': HEALTHY, '/maildev/api/healthz': HEALTHY }
