import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { mediaTypeOf } from '../../../src/mail/format/body-lists.ts'
import { headerFields, headerValue, unfoldValue } from '../../../src/mail/format/headers.ts'
import { isText, partOctetsOrRaw, partStart } from '../../../src/mail/format/parts.ts'
import { parseInSteps } from '../../../src/mail/format/structure.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import { filled } from './checks.ts'
import { email } from './email.ts'
import { parseBlobs } from './parse-blobs.ts'
import { assertArguments, methodsOf } from './standard.ts'
import type { JsonObject, Method, MethodCall } from './types.ts'

/** The fields of a report that are no extensions, in lower case, with their properties. RFC 8098 section 3.1. */
export const MDN_FIELDS: ReadonlyMap<string, string> = new Map([
  ['reporting-ua', 'reportingUA'],
  ['mdn-gateway', 'mdnGateway'],
  ['original-recipient', 'originalRecipient'],
  ['final-recipient', 'finalRecipient'],
  ['original-message-id', 'originalMessageId'],
  ['disposition', 'disposition'],
  ['error', 'error'],
])
/** A longer report is not read, and longer text is cut. */
const MAX_REPORT = 64 * 1024
/** RFC 8098 section 3.2.6; what follows the type are modifiers. */
const DISPOSITION = /^(manual-action|automatic-action)\s*\/\s*(mdn-sent-manually|mdn-sent-automatically)\s*;\s*([\w-]+)/
/** MDNs of a call whose messages are looked for. */
const MAX_FOUND = 400

/** RFC 9007 section 2.2. */
export async function parseMdns(call: MethodCall): Promise<JsonObject> {
  assertArguments(call, ['blobIds'])
  const { parsed, rest } = await parseBlobs(call, mdnIn)
  const ids = Array.from(parsed.values(), (one) => one.originalMessageId)
  const emailIds = await emailsWith(call, ids)
  const forEmail = (one: JsonObject) => ({ ...one, forEmailId: emailIds.get(one.originalMessageId) ?? null })
  return { ...rest, parsed: filled(Object.fromEntries(Array.from(parsed, ([id, one]) => [id, forEmail(one)]))) }
}

/** Reads a message as an MDN; undefined if it is none. RFC 8098 section 3. */
async function mdnIn(raw: Buffer): Promise<JsonObject | undefined> {
  const structure = await runInSlices(parseInSteps(raw))
  const [first, report, original] = structure.children
  const isMdn = report && /^message\/(?:global-)?disposition-notification$/.test(mediaTypeOf(report))
  if (mediaTypeOf(structure) !== 'multipart/report' || !isMdn || report.bodyEnd - report.bodyStart > MAX_REPORT)
    return undefined
  const octets = partOctetsOrRaw(raw, report)
  const read: Record<string, string> = {}
  const errors: string[] = []
  const extensions: [string, string][] = []
  for (const field of headerFields(octets)) {
    const value = Buffer.from(unfoldValue(octets, field), 'latin1').toString()
    const property = MDN_FIELDS.get(field.nameLower)
    if (property === 'error') errors.push(value)
    else if (property !== undefined) read[property] ??= value
    else if (field.name !== '') extensions.push([field.name, value])
  }
  const { disposition = '', finalRecipient } = read
  const [, actionMode, sendingMode, type] = DISPOSITION.exec(disposition.toLowerCase()) ?? []
  if (type === undefined || finalRecipient === undefined) return undefined
  return {
    forEmailId: null,
    subject: decodeWords(headerValue(raw, headerFields(raw), 'subject') ?? ''),
    textBody: first && isText(first) ? partStart(raw, first, MAX_REPORT).text : null,
    includeOriginalMessage: original?.kind === 'message',
    reportingUA: null,
    mdnGateway: null,
    originalRecipient: null,
    originalMessageId: null,
    ...read,
    disposition: { actionMode, sendingMode, type },
    error: errors.length > 0 ? errors : null,
    extensionFields: extensions.length > 0 ? Object.fromEntries(extensions) : null,
  }
}

const { 'Email/query': queryEmails, 'Email/get': getEmails } = methodsOf(email)

/** Returns the Emails of Message-IDs, by these. One that several Emails have is left out. */
async function emailsWith(call: MethodCall, messageIds: readonly unknown[]): Promise<ReadonlyMap<unknown, string>> {
  const wanted = [...new Set(messageIds)]
    .filter((id) => typeof id === 'string' && id.length < 1_000)
    .slice(0, MAX_FOUND)
  if (wanted.length === 0) return new Map()
  const filter = { operator: 'OR', conditions: wanted.map((id) => ({ header: ['Message-ID', id] })) }
  const ask = async (method: Method | undefined, args: JsonObject) =>
    (await method?.run({ ...call, args })) as JsonObject
  const { ids: found } = await ask(queryEmails, { filter })
  const { list } = await ask(getEmails, { ids: found, properties: ['messageId'] })
  const shown = list as readonly { readonly id: string; readonly messageId: readonly string[] | null }[]
  const ids = shown.map(({ id, messageId }) => [`<${messageId?.[0]}>`, id] as const)
  return new Map(ids.filter(([name]) => ids.filter(([other]) => other === name).length === 1))
}
