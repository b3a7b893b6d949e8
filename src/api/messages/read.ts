import { z } from 'zod'
import { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import { sessionJson } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../core/time/time-slice.ts'
import { timeText } from '../../core/time/time-text.ts'
import { type Attachment, filenameOf } from '../../mail/format/attachments.ts'
import { flowedLines } from '../../mail/format/flowed.ts'
import { appendPartText, part as partAt, partOctetsOrRawInSteps } from '../../mail/format/parts.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import type { MessagePart } from '../../mail/format/types.ts'
import type { SmimeResult } from '../../mail/smime/smime.ts'
import { originOf, seesSession } from '../caller.ts'
import { flag } from '../input-types.ts'
import type { Call } from '../operation.ts'
import { Content, defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import { authenticationOf, messageAuthentication } from './authentication.ts'
import { contentFields, messageContent } from './content.ts'
import { contentDisposition } from './content-disposition.ts'
import { dmarcReport, dmarcReportOf, feedbackReport, feedbackReportOf } from './dmarc-report.ts'
import { messageOf } from './find.ts'
import type { IndexedMessage } from './message-index.ts'
import { type OpenMessage, parseReadable } from './open-messages.ts'
import { messageSmime, smimeFacts, smimeFor } from './smime.ts'
import { messageSummary, summarize } from './summary.ts'
import { tlsReport, tlsReportOf } from './tls-report.ts'

const id = z.string().describe('Id of the message.')
const partNumber = z.string().regex(/^\d+(?:\.\d+)*$/, 'is not a part number such as 1.2')

const idInput = z.strictObject({
  id,
  inside: partNumber
    .optional()
    .describe('Number of a part of the type message/rfc822. Reads the message inside this part.'),
})

/** Input of operations that show what was encrypted or enclosed in a signature in place of it. */
export const openedInput = idInput.extend({
  opened: flag
    .default(true)
    .describe(
      'Shows the content of an encrypted message if the lab holds the key. `false`: shows the message as it arrived.',
    ),
})

const attachment = z
  .object({
    part: z.string().describe('Number of the part, for `/messages/{id}/parts/{part}`.'),
    filename: z.string().nullable(),
    contentType: z.string(),
    disposition: z.enum(['attachment', 'inline']),
    cid: z.string().nullable(),
    sizeOctets: z.number().int(),
  })
  .meta({ id: 'Attachment' })

/** A message with its text. */
export const wholeMessage = messageSummary
  .omit({ attachments: true })
  .extend({
    text: z.string().describe('The text, or its beginning if it is longer than 262144 characters.'),
    isTextCut: z
      .boolean()
      .describe(
        'Whether `text` is only the beginning: `/messages/{id}/text` has all of it. Links and codes are taken from it.',
      ),
    hasHtml: z.boolean(),
    attachments: z.array(attachment),
    ...contentFields,
    tlsReport: tlsReport.nullable().describe('The TLS report (RFC 8460) in the message; null if it has none.'),
    dmarcReport: dmarcReport
      .nullable()
      .describe('The DMARC aggregate report (RFC 9990) in the message; null if it has none.'),
    feedbackReport: feedbackReport
      .nullable()
      .describe('The DMARC failure report (RFC 9991) or complaint (RFC 5965) in the message; null if it has none.'),
    smime: messageSmime.nullable().describe('Signatures and encryption; null if it is not an S/MIME message.'),
    delivery: z
      .looseObject({
        user: z.string().optional(),
        virtualServer: z.string().optional(),
        tls: z.looseObject({ version: z.string(), cipher: z.string() }).optional(),
      })
      .nullable()
      .describe('The session that delivered the message, with its TLS facts, without the transcript.'),
    authentication: messageAuthentication
      .nullable()
      .describe('SPF, DKIM, DMARC, ARC and BIMI of the message. null: it was not delivered, or checks are off.'),
  })
  .meta({ id: 'Message' })

interface ReadInput {
  readonly id: string
  readonly inside?: string | undefined
  /** Default: false. */
  readonly opened?: boolean | undefined
}

interface Read {
  readonly at: IndexedMessage
  readonly open: OpenMessage
  readonly read: ReadableMessage
  /** Undefined unless `opened` is in the input. */
  readonly smime: SmimeResult | undefined
}

/** Reads a message for some work, together with all who read it. @throws ApiProblem `not-found`, MemoryLimitReached */
export async function readFor<T>(call: Call<ReadInput>, work: (read: Read) => T | Promise<T>): Promise<T> {
  const { api, caller, input } = call
  const at = await messageOf(api, caller, input.id)
  api.lab.histories.read(at.folder, [at.entry], originOf(caller))
  const found = await api.reader.use(at, async (open) => {
    const result = await work(await readShown(call, at, open))
    // Readers that share the work would all write their answers in one turn.
    if (isSliceOver()) await nextSlice()
    return { result }
  })
  if (!found) throw notFound(`message ${input.id} was deleted meanwhile`)
  return found.result
}

async function readShown(call: Call<ReadInput>, at: IndexedMessage, open: OpenMessage): Promise<Read> {
  const { inside, opened } = call.input
  const smime = opened === undefined ? undefined : await smimeFor(call, at, open)
  const read = (opened && smime?.opened) || open.read
  const shown = inside === undefined ? read : await messageIn(at.id, read, inside)
  return { at, open, read: shown, smime: smime?.result }
}

/** Returns the message in a part of another. @throws ApiProblem `not-found` */
async function messageIn(id: string, outer: ReadableMessage, number: string): Promise<ReadableMessage> {
  const { mediaType, octets } = await partContent(id, outer, number)
  if (mediaType === 'message/rfc822' || mediaType === 'message/global') return parseReadable(octets)
  throw notFound(`part ${number} of message ${id} is ${mediaType}, and not a message`)
}

const get = defineOperation('messages.get', 'GET /messages/{id}', {
  summary: 'Read a message: its summary, text, attachments, links, images, codes, event, signatures and delivery.',
  access: 'read',
  input: openedInput,
  output: wholeMessage,
  run: (call) => readFor(call, (found) => wholeOf(call, found)),
})

async function wholeOf(call: Call<z.output<typeof openedInput>>, { at, read, smime }: Read) {
  const { api, input } = call
  const facts = await api.reader.facts(at)
  if (!facts) throw notFound(`message ${at.id} was deleted meanwhile`)
  const session = at.entry.envelope?.session
  const record = session === undefined ? undefined : api.lab.sessionLog.get(session)
  const content = await sharedContent(read)
  if (isSliceOver()) await nextSlice()
  const { transcript: _, ...delivery } = record ? (sessionJson(record) as Record<string, unknown>) : {}
  return {
    ...summarize(at, facts, call),
    ...(input.inside === undefined ? {} : factsInside(read)),
    ...content,
    authentication: input.inside === undefined ? await authenticationOf(api, at) : null,
    smime: input.inside === undefined ? smimeFacts(smime) : null,
    delivery: record ? (seesSession(call.caller, record) ? delivery : partOfDelivery(record)) : null,
  }
}

type WholeContent = Awaited<ReturnType<typeof wholeContent>>

const contents = new WeakMap<ReadableMessage, Promise<WholeContent>>()

/** Returns what the answer contains of a message, made once for all who read it at the same time. */
function sharedContent(read: ReadableMessage): Promise<WholeContent> {
  const content = contents.get(read) ?? wholeContent(read)
  contents.set(read, content)
  return content
}

async function wholeContent(read: ReadableMessage) {
  const text = await runInSlices(read.textInSteps())
  const attachments = await runInSlices(read.attachmentsInSteps())
  if (isSliceOver()) await nextSlice()
  return {
    text,
    isTextCut: read.isTextCut,
    hasHtml: read.html !== undefined,
    attachments: attachmentsOf(read, attachments),
    ...(await messageContent(read)),
    tlsReport: await tlsReportOf(read),
    dmarcReport: await dmarcReportOf(read),
    feedbackReport: await feedbackReportOf(read),
  }
}

/** Returns the facts of a message in another that replace those of the outer one. */
function factsInside({ subject, from, to, cc, bcc, replyTo, date, messageId, raw, sentBy }: ReadableMessage) {
  return {
    subject,
    from: from ?? null,
    to,
    cc,
    bcc,
    replyTo,
    date: date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString(),
    messageId,
    sizeOctets: raw.length,
    sentBy: sentBy ? { ...sentBy, tags: [...sentBy.tags] } : null,
  }
}

/** Returns what the recipient of a message may know of a session of another account, which can have delivered other mail. */
const partOfDelivery = ({ id, protocol, virtualServer, startedAt, tls }: SessionRecord) => ({
  id,
  protocol,
  virtualServer,
  startedAt: timeText(startedAt),
  ...(tls ? { tls: { version: tls.version, cipher: tls.cipher, bits: tls.bits } } : {}),
})

function attachmentsOf(read: ReadableMessage, attachments: readonly Attachment[]): z.infer<typeof attachment>[] {
  const numbers = new Map(numberedParts(read.structure).map(({ number, part }) => [part, number]))
  return attachments.map(({ filename, contentType, disposition, cid, sizeOctets }, index) => ({
    part: numbers.get(read.attachedParts[index] as MessagePart) ?? '',
    filename: filename ?? null,
    contentType,
    disposition,
    cid: cid ?? null,
    sizeOctets,
  }))
}

/** Returns each part with its IMAP section number. RFC 9051 section 6.4.5.1. */
export function numberedParts(structure: MessagePart): { number: string; part: MessagePart }[] {
  const found: { number: string; part: MessagePart }[] = []
  const visit = (part: MessagePart, prefix: string): void => {
    if (part.kind === 'multipart') {
      part.children.forEach((child, index) => {
        const number = prefix === '' ? `${index + 1}` : `${prefix}.${index + 1}`
        found.push({ number, part: child })
        visit(child, number)
      })
    } else if (prefix === '') found.push({ number: '1', part })
    if (part.message && prefix !== '') {
      const { message } = part
      if (message.kind === 'multipart') visit(message, prefix)
      else found.push({ number: `${prefix}.1`, part: message })
    }
  }
  visit(structure, '')
  return found
}

const headers = defineOperation('messages.headers', 'GET /messages/{id}/headers', {
  summary: 'Read the decoded header fields of a message, in their order.',
  access: 'read',
  input: idInput,
  output: z.object({ headers: z.array(z.object({ name: z.string(), value: z.string() })) }),
  run: (call) => readFor(call, ({ read }) => ({ headers: read.fieldList })),
})

const text = defineOperation('messages.text', 'GET /messages/{id}/text', {
  summary: 'Read the plain text of a message; for a message that is only HTML, the text of the HTML.',
  access: 'read',
  input: openedInput,
  output: 'text/plain',
  run: (call) =>
    readFor(call, async ({ open, read }) => {
      const make = async (): Promise<Buffer> => runInSlices(textOctets(read))
      const octets = await (read === open.read ? open.computeOnce('text', make) : make())
      return new Content('text/plain; charset=utf-8', octets)
    }),
})

/** Returns the whole text of a message in UTF-8, in steps; for a message that is only HTML, as much as a view has of it. */
export function* textOctets(read: ReadableMessage): Steps<Buffer> {
  const { isTextCut, textParts, raw } = read
  if (!isTextCut || textParts.length === 0) return Buffer.from(yield* read.textInSteps())
  const text = GrowingBuffer.withRoom(raw.length)
  for (const part of textParts) {
    if (part !== textParts[0]) text.append(Buffer.from('\n'))
    const flowed = flowedLines(part)
    yield* appendPartText(text, raw, part, (piece) => {
      const lines = piece.replaceAll('\r\n', '\n')
      return flowed ? flowed.add(lines) : lines
    })
    if (flowed) text.append(Buffer.from(flowed.end()))
  }
  return text.octets
}

const raw = defineOperation('messages.raw', 'GET /messages/{id}/raw', {
  summary: 'Download a message as it was received (.eml).',
  access: 'read',
  input: idInput,
  output: 'message/rfc822',
  run: (call) =>
    readFor(call, ({ at, read }) => {
      const headers = { 'Content-Disposition': `attachment; filename="${at.id}.eml"` }
      return new Content('message/rfc822', read.raw, headers)
    }),
})

const structurePart: z.ZodType = z
  .object({
    part: z.string(),
    contentType: z.string(),
    filename: z.string().nullable(),
    encoding: z.string().nullable(),
    sizeOctets: z.number().int().describe('Size in its transfer encoding.'),
  })
  .meta({ id: 'StructurePart' })

const structure = defineOperation('messages.structure', 'GET /messages/{id}/structure', {
  summary: 'Read the MIME tree of a message: each part with its IMAP section number.',
  access: 'read',
  input: openedInput,
  output: z.object({ contentType: z.string(), parts: z.array(structurePart) }),
  run: (call) => readFor(call, ({ read }) => structureOf(read)),
})

function structureOf(read: ReadableMessage) {
  const typeOf = ({ type, subtype }: MessagePart): string => `${type}/${subtype}`.toLowerCase()
  const parts = numberedParts(read.structure).map(({ number, part }) => ({
    part: number,
    contentType: typeOf(part),
    filename: filenameOf(part) ?? null,
    encoding: part.encoding?.toLowerCase() ?? null,
    sizeOctets: part.bodyEnd - part.bodyStart,
  }))
  return { contentType: typeOf(read.structure), parts }
}

/** Types that a browser shows without running anything in them. All others are sent as octets. */
const SAFE_TYPES = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain)$/

const part = defineOperation('messages.part', 'GET /messages/{id}/parts/{part}', {
  summary: 'Download a decoded part of a message.',
  access: 'read',
  input: openedInput.omit({ inside: true }).extend({ part: partNumber }),
  output: 'application/octet-stream',
  otherOutputs: ['text/plain', 'image/*', 'audio/*', 'video/*'],
  run: (call) =>
    readFor(call, async ({ at, read }) => {
      const { mediaType, filename, octets } = await partContent(at.id, read, call.input.part)
      return new Content(SAFE_TYPES.test(mediaType) ? mediaType : 'application/octet-stream', octets, {
        'Content-Disposition': contentDisposition(filename),
      })
    }),
})

/** Returns a decoded part of a message. @param number its IMAP section number @throws ApiProblem `not-found` */
export async function partContent(
  id: string,
  { structure, raw }: ReadableMessage,
  number: string,
): Promise<{ mediaType: string; filename: string; octets: Buffer }> {
  const found = partAt(structure, number.split('.').map(Number))
  if (!found) {
    const known = numberedParts(structure).map((one) => one.number)
    throw notFound(`message ${id} has no part ${number}; it has ${known.join(', ')}`)
  }
  return {
    mediaType: `${found.type}/${found.subtype}`.toLowerCase(),
    filename: filenameOf(found) ?? `${id}-${number}`,
    octets: await runInSlices(partOctetsOrRawInSteps(raw, found)),
  }
}

export const readOperations = [get, headers, text, raw, structure, part] as const
