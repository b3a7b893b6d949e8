import { z } from 'zod'
import { partContent } from '../../../src/api/messages/read.ts'
import { notFound } from '../../../src/api/problem.ts'
import { administers, bodyOf, jsonResponse, pathParameter, type Route, reads } from '../routes.ts'
import {
  assertSends,
  bodyTextResponse,
  formOf,
  htmlResponse,
  markShown,
  partFile,
  readFor,
  release,
  textResponse,
} from '../tool-mail.ts'
import { MESSAGE, requestedMail } from './find.ts'
import { mailpitMessage } from './shapes.ts'

const get = reads(MESSAGE, async (call) => {
  const mail = await requestedMail(call)
  const form = await formOf(call, mail, (received) => mailpitMessage(call.api, received))
  await markShown(call, mail)
  return jsonResponse(call.c, form)
})

const headers = reads(`${MESSAGE}/headers`, async (call) => {
  const fieldList = await readFor(call, await requestedMail(call), (message) => message.fieldList)
  const found = new Map<string, string[]>()
  for (const { name, value } of fieldList) {
    const key = canonical(name)
    const known = found.get(key)
    if (known) known.push(value)
    else found.set(key, [value])
  }
  return jsonResponse(call.c, Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1))))
})

/** Returns a field name as Mailpit spells it: `Message-Id`. */
const canonical = (name: string): string =>
  name.toLowerCase().replaceAll(/(^|-)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())

const raw = reads(`${MESSAGE}/raw`, async (call) => {
  const mail = await requestedMail(call)
  const filename = call.c.req.query('dl') === '1' ? `${mail.id}.eml` : undefined
  return readFor(call, mail, ({ raw }) => textResponse(call, raw, filename))
})

const part = reads(`${MESSAGE}/part/:part`, async (call) => {
  const mail = await requestedMail(call)
  return readFor(call, mail, async (message) => {
    const found = await partContent(mail.id, message, pathParameter(call.c, 'part'))
    return partFile(call, found.mediaType, found.octets, found.filename)
  })
})

/** `/view/ID.html` and `/view/ID.txt`. */
const view = reads('/view/:file', async (call) => {
  const file = pathParameter(call.c, 'file')
  const [, id, form] = /^(.+)\.(html|txt)$/.exec(file) ?? []
  if (id === undefined) throw notFound(`there is no view of ${file}; write /view/ID.html or /view/ID.txt`)
  const mail = await requestedMail(call, id)
  const response = await readFor(call, mail, (message) =>
    form === 'html'
      ? htmlResponse(call, message, `message ${mail.id} has no HTML part`)
      : bodyTextResponse(call, message),
  )
  await markShown(call, mail)
  return response
})

const releaseInput = z.object({ to: z.array(z.string().trim().min(1)).min(1) })

const releaseMail = administers('POST', `${MESSAGE}/release`, async (call) => {
  assertSends(call)
  const { to } = await bodyOf(call, releaseInput)
  await release(call, await requestedMail(call), to)
  return call.c.text('ok')
})

export const messageRoutes: readonly Route[] = [
  get,
  headers,
  raw,
  part,
  view,
  // cypress-mailpit spells it with two slashes. Mailpit's router removes empty segments.
  { ...view, path: `/${view.path}` },
  releaseMail,
]
