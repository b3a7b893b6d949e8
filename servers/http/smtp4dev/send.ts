import { ApiProblem } from '../../../src/api/problem.ts'
import { compose, type DraftAttachment } from '../../../src/mail/format/compose.ts'
import { readable } from '../../../src/mail/format/readable.ts'
import { bodyOf } from '../body.ts'
import { changes, jsonResponse, type Route, type RouteCall } from '../routes.ts'
import { deliverAs, MAX_ANSWER_OCTETS, readFor } from '../tool-mail.ts'
import { guidOf } from './ids.ts'
import { requestedMail } from './messages.ts'
import { parameterOf } from './paging.ts'

/** The body of a message to send: HTML, or a form with HTML and files. */
async function contentOf({ c }: RouteCall): Promise<{ html: string; attachments: DraftAttachment[] }> {
  const octets = await bodyOf(c, MAX_ANSWER_OCTETS)
  const type = c.req.header('Content-Type') ?? ''
  if (!/^multipart\/form-data/i.test(type)) return { html: octets.toString('utf8'), attachments: [] }
  const form = await new Response(new Uint8Array(octets), { headers: { 'Content-Type': type } })
    .formData()
    .catch((error: Error) => {
      throw new ApiProblem('bad-request', `the body is not a form: ${error.message}`)
    })
  const attachments: DraftAttachment[] = []
  for (const file of form.getAll('attachments'))
    if (typeof file !== 'string')
      attachments.push({
        filename: file.name,
        content: Buffer.from(await file.arrayBuffer()),
        ...(file.type === '' ? {} : { contentType: file.type }),
      })
  return { html: `${form.get('bodyHtml') ?? ''}`, attachments }
}

const addresses = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

const addressOf = (address: string): string => /<([^<>]*)>\s*$/.exec(address)?.[1] ?? address

/** Composes the message of a request, and delivers it in the lab, from where connectors send it on. */
async function send(call: RouteCall, headers: Readonly<Record<string, string>>): Promise<Response> {
  const [to, cc, bcc] = ['to', 'cc', 'bcc'].map((name) => addresses(parameterOf(call, name))) as [
    string[],
    string[],
    string[],
  ]
  const [from, subject] = [parameterOf(call, 'from'), parameterOf(call, 'subject')]
  const isForAll = /^true$/i.test(parameterOf(call, 'deliverToAll'))
  const recipients = [...new Set(isForAll ? [...to, ...cc, ...bcc] : to)].map(addressOf)
  if (from === '' || recipients.length === 0)
    throw new ApiProblem('bad-request', 'from and to: one is missing; write both as parameters of the query')
  const values = [from, subject, ...to, ...cc]
  if (values.some((value) => /[\r\n]/.test(value)))
    throw new ApiProblem('bad-request', 'a parameter has a line end; write it in one line')
  const { html, attachments } = await contentOf(call)
  const draft = { from, to, ...(cc.length > 0 ? { cc } : {}), subject, html, headers, attachments }
  await deliverAs(call, addressOf(from), recipients, await compose(draft, call.api.lab.clock.now()))
  return call.c.body(null, 200)
}

/** Answers a message. RFC 5322 section 3.6.4. */
async function reply(call: RouteCall): Promise<Response> {
  const { messageId, references } = await readFor(call, await requestedMail(call), ({ messageId: id, headers }) => ({
    messageId: id,
    references: headers.get('references') ?? '',
  }))
  const thread = `${references} ${messageId}`.trim().split(/\s+/).filter(Boolean).join(' ')
  return send(call, messageId === '' ? {} : { 'In-Reply-To': messageId, References: thread })
}

/** Delivers a message to the recipients that its header names. */
async function importMessage(call: RouteCall): Promise<Response> {
  const octets = await bodyOf(call.c, MAX_ANSWER_OCTETS)
  if (octets.length === 0) throw new ApiProblem('bad-request', 'EML content is empty')
  const { from, to, cc, bcc } = readable(octets)
  const named = [...to, ...cc, ...bcc].map(({ address }) => address)
  const recipients = named.length > 0 ? named : ['imported@localhost']
  const [id = ''] = await deliverAs(call, from?.address ?? 'imported@localhost', recipients, octets)
  return jsonResponse(call.c, guidOf({ id }))
}

/** Creates the routes that add messages, below a base such as `/api/messages`. */
export const sendRoutes = (base: string): Route[] => [
  changes('POST', `${base}/send`, (call) => send(call, {})),
  changes('POST', `${base}/:id/reply`, reply),
  changes('PUT', base, importMessage),
]
