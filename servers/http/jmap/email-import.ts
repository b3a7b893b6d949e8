import { OpenMessage, parseReadable } from '../../../src/api/messages/open-messages.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { parseDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { octetsOfBlob } from './blobs.ts'
import { MAIL } from './capabilities.ts'
import { filled, isObjects, isStrings, optional, required } from './checks.ts'
import { email, PARSE_DEFAULTS, wholeContent } from './email.ts'
import { placementIn, storeEmail } from './email-change.ts'
import { EmailView, VIEW_ARGUMENTS } from './email-view.ts'
import { messageIn, parseBlobs } from './parse-blobs.ts'
import { assertArguments, assertCount, assertProperties, assertState, createEach, realId } from './standard.ts'
import {
  invalid,
  invalidProperties,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  SetError,
  shownValue,
} from './types.ts'

/** RFC 8621 section 4.8. */
async function importEmails(call: MethodCall): Promise<JsonObject> {
  assertArguments(call, ['ifInState', 'emails'])
  const emails = required(call, 'emails', isObjects)
  const oldState = await email.state(call)
  assertState(call, oldState)
  assertCount(call, 'maxObjectsInSet', Object.keys(emails).length)
  const { done, refused } = await createEach(call, emails, (object) => importEmail(call, object))
  const newState = await email.state(call)
  return { accountId: call.account.id, oldState, newState, created: done, notCreated: refused }
}

const IMPORTED = ['blobId', 'mailboxIds', 'keywords', 'receivedAt']

async function importEmail(call: MethodCall, object: JsonObject): Promise<JsonObject & { id: string }> {
  const unknown = Object.keys(object).filter((name) => !IMPORTED.includes(name))
  if (unknown.length > 0) throw invalidProperties(unknown, `an EmailImport has no ${unknown.join(', ')}`)
  const placement = await placementIn(call, object)
  const { blobId } = object
  const octets = typeof blobId === 'string' ? await octetsOfBlob(call, realId(call, blobId)) : undefined
  if (!octets) throw invalidProperties(['blobId'], `there is no blob ${shownValue(blobId)}`)
  using memory = call.api.lab.intake.memory.reservation('messages')
  memory.grow(2 * octets.length)
  const raw = await messageIn(octets)
  if (!raw) throw new SetError('invalidEmail', 'the blob is not a message (RFC 5322)')
  return storeEmail(call, raw, { ...placement, receivedAt: placement.receivedAt ?? lastReceived(raw) })
}

/** Returns the time of the Received field that was added last. */
function lastReceived(raw: Buffer): number | undefined {
  const value = headerValue(raw, headerFields(raw), 'received') ?? ''
  const ms = parseDate(value.slice(value.lastIndexOf(';') + 1))?.getTime()
  return Number.isNaN(ms) ? undefined : ms
}

/** RFC 8621 section 4.9. */
async function parseEmails(call: MethodCall): Promise<JsonObject> {
  assertArguments(call, ['blobIds', 'properties', ...VIEW_ARGUMENTS])
  const properties = optional(call, 'properties', isStrings) ?? PARSE_DEFAULTS
  assertProperties(email, properties)
  const view = new EmailView(call, properties)
  const { parsed, rest } = await parseBlobs(call, async (raw, blobId, memory, size) => {
    const open = new OpenMessage(await parseReadable(raw), memory)
    const shown: JsonObject = { blobId, size, ...(await wholeContent(view, properties, open, blobId)) }
    return Object.fromEntries(properties.map((name) => [name, shown[name] ?? null]))
  })
  return { ...rest, parsed: filled(Object.fromEntries(parsed)) }
}

/** The session has one account, so that there is no other to copy from. RFC 8620 section 5.4, RFC 8621 section 4.7. */
async function refuseCopy(call: MethodCall): Promise<JsonObject> {
  const { fromAccountId, create } = call.args
  if (typeof fromAccountId !== 'string' || !isMapping(create)) throw invalid('fromAccountId or create is missing')
  if (fromAccountId === call.account.id) throw invalid('fromAccountId is accountId; change mailboxIds by Email/set')
  throw new MethodError('fromAccountNotFound', `the session has no account ${fromAccountId.slice(0, 100)}`)
}

/** The methods of Email besides the standard ones. */
export const emailMethods: Readonly<Record<string, Method>> = {
  'Email/import': { capability: MAIL, run: importEmails },
  'Email/parse': { capability: MAIL, run: parseEmails },
  'Email/copy': { capability: MAIL, run: refuseCopy },
}
