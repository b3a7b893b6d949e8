import { originOf } from '../../../src/api/caller.ts'
import { type MessageFacts, readMessageFacts } from '../../../src/api/messages/message-facts.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import type { OpenMessage } from '../../../src/api/messages/open-messages.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { headerBlockEnd } from '../../../src/mail/format/headers.ts'
import type { MessageReads } from '../../../src/storage/store/types.ts'
import { MAIL } from './capabilities.ts'
import { emailChanges } from './changes.ts'
import { createEmail, destroyEmail, updateEmail } from './email-change.ts'
import { queryEmailChanges, queryEmails } from './email-query.ts'
import { CONTENT_PROPERTIES, EmailView, isBodyProperty, isHeaderProperty, VIEW_ARGUMENTS } from './email-view.ts'
import { headerProperty } from './header-forms.ts'
import { emailPlace, readableEmail, shownCopy, trueFor } from './mails.ts'
import { isSmimeProperty, smimeProperties } from './smime.ts'
import { assertCount } from './standard.ts'
import type { DataType, JsonObject, MethodCall } from './types.ts'

/** RFC 8621 section 4.1.1 */
const METADATA = ['id', 'blobId', 'threadId', 'mailboxIds', 'keywords', 'size', 'receivedAt'] as const
/** Octets that are read of a message whose header is wanted, and of one whose header is longer. */
const HEADER_OCTETS = 64 * 1024
const LONG_HEADER_OCTETS = 2 * 1024 * 1024

/** The properties of Email/parse, and with the metadata those of Email/get. RFC 8621 sections 4.2 and 4.9. */
export const PARSE_DEFAULTS = CONTENT_PROPERTIES.filter((name) => name !== 'headers' && name !== 'bodyStructure')

/** RFC 8621 section 4. */
export const email: DataType = {
  name: 'Email',
  capability: MAIL,
  properties: [...METADATA, ...CONTENT_PROPERTIES],
  arguments: { get: VIEW_ARGUMENTS, query: ['collapseThreads'], queryChanges: ['collapseThreads'] },
  isProperty: (name) => headerProperty(name) !== undefined || isSmimeProperty(name),
  defaultProperties: [...METADATA, ...PARSE_DEFAULTS],
  state: async (call) => `${await call.account.history.settled()}`,
  get,
  changes: ({ account }, since, max) => emailChanges(account.history, since, max),
  query: queryEmails,
  queryChanges: queryEmailChanges,
  create: createEmail,
  update: (call, id, patch) =>
    updateEmail(call, id, patch, async (properties) => {
      // The arguments of Email/set are not those of Email/get.
      const [found] = await get({ ...call, args: {} }, [id], properties)
      return found
    }),
  destroy: destroyEmail,
}

async function get(
  call: MethodCall,
  ids: readonly string[] | null,
  properties: readonly string[],
): Promise<readonly JsonObject[]> {
  const view = new EmailView(call, properties)
  const { account, api } = call
  const { history } = account
  await history.settled()
  const mails = [...(ids ?? history.mails.keys())].flatMap((id) => {
    const mail = history.mails.get(id)
    return mail && shownCopy(mail) ? [mail] : []
  })
  assertCount(call, 'maxObjectsInGet', mails.length)
  const threadIds = properties.includes('threadId') ? await history.threadIds(mails) : []
  const places = mails.map((mail) => readableEmail(mail) as IndexedMessage)
  const isWhole = properties.some(isOfWhole)
  using source = account.store.readAhead(places, isWhole ? 'message' : HEADER_OCTETS)
  const found: JsonObject[] = []
  for (const [index, mail] of mails.entries()) {
    const place = places[index] as IndexedMessage
    const content = await contentOf(call, view, properties, place, source)
    if (isWhole) api.lab.histories.read(place.folder, [place.entry], originOf(account.caller))
    const { blob: id, sizeOctets: size, internalDate } = place.entry
    const receivedAt = new Date(internalDate).toISOString().replace(/\.\d+/, '')
    const now = emailPlace(mail)
    // It may have been deleted meanwhile.
    if (content && now) {
      const [mailboxIds, keywords] = [trueFor(now.mailboxIds), trueFor(now.keywords)]
      found.push({ id, blobId: id, threadId: threadIds[index], mailboxIds, keywords, size, receivedAt, ...content })
    }
    if (isSliceOver()) await nextSlice()
  }
  return found
}

/** Returns the wanted properties that come from the octets of a stored message, of which no more is read than these need. */
async function contentOf(
  call: MethodCall,
  view: EmailView,
  properties: readonly string[],
  at: IndexedMessage,
  source: MessageReads,
): Promise<JsonObject | undefined> {
  const { api } = call
  const { folder, entry } = at
  const blobId = entry.blob
  const factsOfIt = async () => (properties.some(isOfFacts) ? api.reader.facts(at, { source }) : undefined)
  // While the message is open, its facts are taken from it.
  if (properties.some(isOfWhole))
    return api.reader.use(
      at,
      async (open) => ({
        ...(await wholeContent(view, properties, open, blobId, await factsOfIt())),
        ...(properties.some(isSmimeProperty) && (await smimeProperties(call, at, open))),
      }),
      source,
    )
  const facts = await factsOfIt()
  if (properties.some(isOfFacts) && !facts) return undefined
  if (!properties.some(isHeaderProperty)) return factsShown(facts)
  let raw = await source.read(folder.id, entry.uid, 0, HEADER_OCTETS)
  if (raw && headerBlockEnd(raw) === raw.length && raw.length < entry.sizeOctets)
    raw = await source.read(folder.id, entry.uid, 0, LONG_HEADER_OCTETS)
  return (
    raw && {
      ...factsShown(facts),
      ...(await runInSlices(view.show({ raw, structure: undefined, blobId }, properties))),
    }
  )
}

/** Returns the wanted properties that come from the octets of a whole message. @throws MethodError, MemoryLimitReached */
export async function wholeContent(
  view: EmailView,
  properties: readonly string[],
  { read, memory }: OpenMessage,
  blobId: string,
  known?: MessageFacts,
): Promise<JsonObject> {
  const { raw, structure } = read
  // Body values are decoded beside the octets, and are in the answer.
  if (properties.includes('bodyValues')) memory.grow(2 * raw.length)
  const facts = properties.some(isOfFacts) ? (known ?? (await readMessageFacts(read))) : undefined
  return { ...factsShown(facts), ...(await runInSlices(view.show({ raw, structure, blobId }, properties))) }
}

const isOfWhole = (name: string): boolean => isBodyProperty(name) || isSmimeProperty(name)
const isOfFacts = (name: string): boolean => name === 'preview' || name === 'hasAttachment'
const factsShown = (facts: MessageFacts | undefined): JsonObject =>
  facts ? { preview: facts.snippet, hasAttachment: facts.hasDownload } : {}
