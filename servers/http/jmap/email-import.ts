import { OpenMessage, readable } from '../../../src/api/messages/open-messages.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { parseDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { checked, crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { octetsOfBlob } from './blobs.ts'
import { MAIL } from './capabilities.ts'
import { email, PARSE_DEFAULTS, wholeContent } from './email.ts'
import { placementIn, storeEmail } from './email-change.ts'
import { EmailView, VIEW_ARGUMENTS } from './email-view.ts'
import { assertState, isObjects, isStrings, knownArguments, optional, realId, required } from './standard.ts'
import {
  emptyMap,
  invalid,
  invalidProperties,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  SetError,
  shownValue,
} from './types.ts'

/** Returns the message in octets. Undefined if they are not a message. */
export async function messageIn(octets: Buffer): Promise<Buffer | undefined> {
  const raw = await runInSlices(crlfSteps(octets))
  return checked({ raw, flags: [], internalDate: 0 }, '').refused === undefined ? raw : undefined
}

/** RFC 8621 section 4.8. */
async function importAll(call: MethodCall): Promise<JsonObject> {
  knownArguments(call, ['ifInState', 'emails'])
  const emails = required(call, 'emails', isObjects)
  const oldState = await email.state(call)
  assertState(call, oldState)
  const { maxObjectsInSet: most } = call.limits
  if (Object.keys(emails).length > most) throw new MethodError('requestTooLarge', `the limit is ${most} Emails`)
  const created = emptyMap<JsonObject>()
  const notCreated = emptyMap<JsonObject>()
  for (const [creationId, object] of Object.entries(emails)) {
    try {
      const made = await importOne(call, object)
      call.createdIds.set(creationId, made.id)
      created[creationId] = made
    } catch (error) {
      if (!(error instanceof SetError)) throw error
      notCreated[creationId] = { type: error.type, description: error.message, ...error.more }
    }
    if (isSliceOver()) await nextSlice()
  }
  const orNull = (value: object): object | null => (Object.keys(value).length > 0 ? value : null)
  return {
    ...{ accountId: call.account.id, oldState, newState: await email.state(call) },
    ...{ created: orNull(created), notCreated: orNull(notCreated) },
  }
}

async function importOne(call: MethodCall, object: JsonObject): Promise<JsonObject & { id: string }> {
  const unknown = Object.keys(object).filter(
    (name) => !['blobId', 'mailboxIds', 'keywords', 'receivedAt'].includes(name),
  )
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
async function parse(call: MethodCall): Promise<JsonObject> {
  knownArguments(call, ['blobIds', 'properties', ...VIEW_ARGUMENTS])
  const properties = optional(call, 'properties', isStrings) ?? PARSE_DEFAULTS
  const unknown = properties.find((name) => !email.properties.includes(name) && !email.isProperty?.(name))
  if (unknown !== undefined) throw invalid(`Email has no property ${unknown}`)
  const blobIds = new Set(required(call, 'blobIds', isStrings))
  const { maxObjectsInGet: most } = call.limits
  if (blobIds.size > most) throw new MethodError('requestTooLarge', `the limit is ${most} blobs`)
  const view = new EmailView(call, properties)
  const parsed: Record<string, JsonObject> = {}
  const [notParsable, notFound]: [string[], string[]] = [[], []]
  for (const given of blobIds) {
    const blobId = realId(call, given)
    const octets = await octetsOfBlob(call, blobId)
    using memory = call.api.lab.intake.memory.reservation('messages')
    memory.grow(2 * (octets?.length ?? 0))
    const raw = octets && (await messageIn(octets))
    if (!octets) notFound.push(given)
    else if (!raw) notParsable.push(given)
    else {
      const open = new OpenMessage(await readable(raw), memory)
      const shown: JsonObject = { blobId, size: octets.length, ...(await wholeContent(view, properties, open, blobId)) }
      parsed[given] = Object.fromEntries(properties.map((name) => [name, shown[name] ?? null]))
    }
    if (isSliceOver()) await nextSlice()
  }
  const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length > 0 ? list : null)
  return {
    accountId: call.account.id,
    parsed: Object.keys(parsed).length > 0 ? parsed : null,
    notParsable: orNull(notParsable),
    notFound: orNull(notFound),
  }
}

/** The session has one account, so that there is no other to copy from. RFC 8620 section 5.4, RFC 8621 section 4.7. */
async function copy(call: MethodCall): Promise<JsonObject> {
  const { fromAccountId, create } = call.args
  if (typeof fromAccountId !== 'string' || !isMapping(create)) throw invalid('fromAccountId or create is missing')
  if (fromAccountId === call.account.id) throw invalid('fromAccountId is accountId; change mailboxIds by Email/set')
  throw new MethodError('fromAccountNotFound', `the session has no account ${fromAccountId.slice(0, 100)}`)
}

/** The methods of Email besides the standard ones. */
export const emailMethods: Readonly<Record<string, Method>> = {
  'Email/import': { capability: MAIL, run: importAll },
  'Email/parse': { capability: MAIL, run: parse },
  'Email/copy': { capability: MAIL, run: copy },
}
