import { z } from 'zod'
import { contentDisposition } from '../../../src/api/messages/content-disposition.ts'
import { htmlDocument } from '../../../src/api/messages/html-document.ts'
import { partContent } from '../../../src/api/messages/read.ts'
import { parseQuery } from '../../../src/api/messages/search.ts'
import { Content } from '../../../src/api/operation.ts'
import { notFound } from '../../../src/api/problem.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { DeliveredMail, type Mail } from '../delivered-mail.ts'
import { markRead } from '../mark-read.ts'
import { downloadOf } from '../part-content.ts'
import { assertSends, release } from '../release.ts'
import { contentResponse, jsonResponse, notOffered, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { bodyOf } from './body.ts'
import { mailpitMessage } from './shapes.ts'

/** Returns a message by its id. `latest` is the newest, or the newest that matches `query`. @throws ApiProblem `not-found` */
async function mailOf({ api, caller, c }: RouteCall, id = pathParameter(c, 'id')): Promise<Mail> {
  const delivered = await DeliveredMail.of(api, caller)
  if (id !== 'latest') return delivered.get(id)
  const found = await delivered.matching(parseQuery(c.req.query('query') ?? '', c.req.query('tz') || undefined))
  const [latest] = found.mails
  if (latest) return latest
  throw notFound('no message has arrived yet, or none that matches `query`')
}

/** @throws ApiProblem `not-found` */
async function readOf(call: RouteCall, mail: Mail): Promise<ReadableMessage> {
  const read = await call.api.reader.read(mail.copies[0])
  if (read) return read
  throw notFound(`message ${mail.id} was deleted meanwhile`)
}

const get: Route = {
  method: 'GET',
  path: '/api/v1/message/:id',
  access: 'read',
  async run(call) {
    const mail = await mailOf(call)
    const message = await mailpitMessage(call.api, mail)
    if (!message) throw notFound(`message ${mail.id} was deleted meanwhile`)
    await markRead(call, mail)
    return jsonResponse(call.c, message)
  },
}

const headers: Route = {
  method: 'GET',
  path: '/api/v1/message/:id/headers',
  access: 'read',
  async run(call) {
    const { fieldList } = await readOf(call, await mailOf(call))
    const found = new Map<string, string[]>()
    for (const { name, value } of fieldList) {
      const key = canonical(name)
      found.set(key, [...(found.get(key) ?? []), value])
    }
    return jsonResponse(call.c, Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1))))
  },
}

/** Returns a field name as Mailpit spells it: `Message-Id`. */
const canonical = (name: string): string =>
  name.toLowerCase().replaceAll(/(^|-)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())

const raw: Route = {
  method: 'GET',
  path: '/api/v1/message/:id/raw',
  access: 'read',
  async run(call) {
    const mail = await mailOf(call)
    const read = await readOf(call, mail)
    const asFile = { 'Content-Disposition': contentDisposition(`${mail.id}.eml`) }
    const content = new Content('text/plain; charset=utf-8', read.raw, call.c.req.query('dl') === '1' ? asFile : {})
    return contentResponse(call.c, content)
  },
}

const part: Route = {
  method: 'GET',
  path: '/api/v1/message/:id/part/:part',
  access: 'read',
  async run(call) {
    const mail = await mailOf(call)
    const found = partContent(mail.id, await readOf(call, mail), pathParameter(call.c, 'part'))
    return contentResponse(call.c, downloadOf(found.mediaType, found.octets, found.filename))
  },
}

/** `/view/ID.html` and `/view/ID.txt`. */
const view: Route = {
  method: 'GET',
  path: '/view/:file',
  access: 'read',
  async run(call) {
    const file = pathParameter(call.c, 'file')
    const [, id, form] = /^(.+)\.(html|txt)$/.exec(file) ?? []
    if (id === undefined) throw notFound(`there is no view of ${file}; write /view/ID.html or /view/ID.txt`)
    const mail = await mailOf(call, id)
    const read = await readOf(call, mail)
    if (form === 'html' && read.html === undefined) throw notFound(`message ${mail.id} has no HTML part`)
    await markRead(call, mail)
    const text = new Content('text/plain; charset=utf-8', read.text)
    return contentResponse(call.c, form === 'html' ? htmlDocument(read) : text)
  },
}

const MESSAGE = '/api/v1/message/:id'

const releaseInput = z.object({ to: z.array(z.string().trim().min(1)).min(1) })

const releaseMail: Route = {
  method: 'POST',
  path: `${MESSAGE}/release`,
  access: 'administer',
  async run(call) {
    assertSends(call)
    const { to } = await bodyOf(call, releaseInput)
    await release(call, await mailOf(call), { to })
    return call.c.text('ok')
  },
}

export const messageRoutes: readonly Route[] = [
  get,
  headers,
  raw,
  part,
  view,
  // So cypress-mailpit spells it. Mailpit's router removes empty segments.
  { ...view, path: `/${view.path}` },
  ...notOffered('GET', [`${MESSAGE}/part/:part/thumb`], 'the lab makes no thumbnails; read the part without /thumb'),
  ...notOffered('GET', [`${MESSAGE}/html-check`], 'the lab does not rate HTML for mail programs'),
  ...notOffered('GET', [`${MESSAGE}/link-check`], 'the lab never fetches what a message links to'),
  ...notOffered('GET', [`${MESSAGE}/sa-check`], 'the lab has no spam filter'),
  releaseMail,
]
