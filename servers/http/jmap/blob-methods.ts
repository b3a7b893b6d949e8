import { createHash } from 'node:crypto'
import { viewsOf } from '../../../src/core/octets/pieces.ts'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { octetsOfBlob, placeOfBlob } from './blobs.ts'
import { BLOB, CORE } from './capabilities.ts'
import { isInteger, isString, isStrings, optional, required } from './checks.ts'
import { emailPlace } from './mails.ts'
import { assertCount, attemptEach, createEach, realId } from './standard.ts'
import {
  invalid,
  invalidProperties,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  notFound,
  SetError,
} from './types.ts'
import { keepUpload } from './uploads.ts'

/** RFC 9404 section 4.1: the limits of Blob/upload. */
export const MAX_DATA_SOURCES = 64
/** Digests by their names in JMAP. https://www.iana.org/assignments/http-dig-alg */
export const DIGESTS: Readonly<Record<string, string>> = { sha: 'sha1', 'sha-256': 'sha256', 'sha-512': 'sha512' }
const DATA = ['data', 'data:asText', 'data:asBase64']
const PIECE_OCTETS = 256 * 1024

/** RFC 9404 section 4.1. */
async function uploadBlobs(call: MethodCall): Promise<JsonObject> {
  const create = required(call, 'create', isMapping)
  assertCount(call, 'maxObjectsInSet', Object.keys(create).length)
  const { done, refused } = await createEach(call, create, (object) => uploadBlob(call, object))
  return { accountId: call.account.id, created: done, notCreated: refused }
}

async function uploadBlob(call: MethodCall, object: unknown) {
  using memory = call.api.lab.intake.memory.reservation('messages')
  const { data, type = 'application/octet-stream' } = isMapping(object) ? object : {}
  if (!Array.isArray(data) || data.length > MAX_DATA_SOURCES || !isString(type))
    throw invalidProperties(['data'], `data is a list of at most ${MAX_DATA_SOURCES} sources, and type a string`)
  const parts: Buffer[] = []
  let size = 0
  for (const source of data) {
    const octets = await octetsOfSource(call, source)
    size += octets.length
    if (size > call.limits.maxSizeUpload)
      throw new SetError('tooLarge', `the blob is longer than ${call.limits.maxSizeUpload} octets`)
    memory.grow(2 * octets.length)
    parts.push(octets)
  }
  return { id: await keepUpload(call, Buffer.concat(parts)), type, size }
}

/** Returns the octets of a DataSourceObject. RFC 9404 section 4.1. @throws SetError */
async function octetsOfSource(call: MethodCall, source: unknown): Promise<Buffer> {
  const given = isMapping(source) ? source : {}
  const { 'data:asText': text, 'data:asBase64': base64, blobId } = given
  if ([text, base64, blobId].filter((one) => one !== undefined).length !== 1)
    throw invalidProperties(['data'], 'a source needs one of data:asText, data:asBase64 and blobId')
  if (isString(text)) return Buffer.from(text)
  if (isString(base64) && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64))
    return Buffer.from(base64, 'base64')
  if (!isString(blobId)) throw invalidProperties(['data'], 'the data of a source are not text or base64')
  const octets = await octetsOfBlob(call, realId(call, blobId))
  if (!octets) throw new SetError('blobNotFound', `there is no blob ${blobId}`, { notFound: [blobId] })
  const range = rangeIn(given, octets.length)
  if (!range || range.isTruncated) throw invalidProperties(['data'], 'the range is not in the blob')
  return octets.subarray(range.start, range.end)
}

/** Returns the range of a blob that `offset` and `length` name; undefined if they are not numbers from 0. */
function rangeIn({ offset, length }: JsonObject, size: number) {
  const [start, octets] = [offset ?? 0, length ?? (isInteger(offset) ? Math.max(0, size - offset) : size)]
  if (!isInteger(start) || !isInteger(octets) || start < 0 || octets < 0) return undefined
  const end = Math.min(size, start + octets)
  return { start: Math.min(start, size), end, isTruncated: start + octets > size }
}

/** RFC 9404 section 4.2. */
async function getBlobs(call: MethodCall): Promise<JsonObject> {
  const ids = countedIds(call, 'ids')
  const properties = optional(call, 'properties', isStrings) ?? ['data', 'size']
  const unknown = properties.find((one) => !['id', 'size', ...DATA].includes(one) && !digestOf(one))
  if (unknown !== undefined) throw invalid(`Blob has no property ${unknown}`)
  const [list, missing]: [JsonObject[], string[]] = [[], []]
  const wanted = DATA.filter((one) => properties.includes(one)).length
  using memory = call.api.lab.intake.memory.reservation('messages')
  let left = call.limits.maxSizeUpload
  for (const id of ids) {
    const octets = await octetsOfBlob(call, realId(call, id))
    if (!octets) {
      missing.push(id)
      continue
    }
    const range = rangeIn(call.args, octets.length)
    if (!range) throw invalid('offset or length is no number from 0')
    const content = octets.subarray(range.start, range.end)
    left -= wanted * content.length
    if (left < 0) throw new MethodError('requestTooLarge', 'the data are too large for one response; download them')
    memory.grow(wanted * 2 * content.length)
    list.push({
      id,
      ...(await propertiesOf(properties, content, octets.length)),
      ...(range.isTruncated && { isTruncated: true }),
    })
  }
  return { accountId: call.account.id, list, notFound: missing }
}

const digestOf = (property: string): string | undefined => {
  const [, name = ''] = /^digest:(.+)$/.exec(property) ?? []
  return Object.hasOwn(DIGESTS, name) ? DIGESTS[name] : undefined
}

async function propertiesOf(properties: readonly string[], content: Buffer, size: number): Promise<JsonObject> {
  const found: Record<string, unknown> = {}
  const text = properties.some((one) => one === 'data' || one === 'data:asText') ? utf8Text(content) : undefined
  for (const property of properties) {
    const algorithm = digestOf(property)
    if (algorithm) {
      const hash = createHash(algorithm)
      for (const piece of viewsOf(content, PIECE_OCTETS)) {
        if (isSliceOver()) await nextSlice()
        hash.update(piece)
      }
      found[property] = hash.digest('base64')
    } else if (property === 'size') found.size = size
    else if (property === 'data:asBase64' || (property === 'data' && text === undefined))
      found['data:asBase64'] = content.toString('base64')
    else if (property === 'data:asText' || property === 'data') found['data:asText'] = text ?? null
  }
  // RFC 9404 section 4.2
  if (text === undefined && properties.some((one) => one === 'data' || one === 'data:asText'))
    found.isEncodingProblem = true
  return found
}

/** Returns octets as text; undefined if they are not UTF-8. */
function utf8Text(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return undefined
  }
}

export const LOOKUP_TYPES = ['Mailbox', 'Thread', 'Email']

/** RFC 9404 section 4.3. */
async function lookUpBlobs(call: MethodCall): Promise<JsonObject> {
  const ids = countedIds(call, 'ids')
  const typeNames = required(call, 'typeNames', isStrings)
  const unknown = typeNames.find((one) => !LOOKUP_TYPES.includes(one))
  if (unknown !== undefined) throw new MethodError('unknownDataType', `blobs cannot be looked up in ${unknown}`)
  const { account } = call
  const [list, missing]: [JsonObject[], string[]] = [[], []]
  for (const id of ids) {
    const mail = placeOfBlob(account, id)?.mail
    const place = mail && emailPlace(mail)
    const [threadId] = mail && place ? await account.history.threadIds([mail]) : []
    const matches: Record<string, unknown> = {
      Mailbox: [...(place?.mailboxIds ?? [])],
      Thread: threadId === undefined ? [] : [threadId],
      Email: mail && place ? [mail.id] : [],
    }
    if (!place && !(await octetsOfBlob(call, id))) missing.push(id)
    else list.push({ id, matchedIds: Object.fromEntries(typeNames.map((name) => [name, matches[name]])) })
  }
  return { accountId: account.id, list, notFound: missing }
}

/** RFC 8620 section 6.3. The session has one account, so that the blobs are there already. */
async function copyBlobs(call: MethodCall): Promise<JsonObject> {
  const { account, args } = call
  const blobIds = countedIds(call, 'blobIds')
  if (args.fromAccountId !== account.id)
    throw new MethodError('fromAccountNotFound', 'fromAccountId is no account of the session')
  const { done, refused } = await attemptEach(
    Array.from(blobIds, (id) => [id, id]),
    async (id) => {
      if (await octetsOfBlob(call, id)) return id
      throw notFound('blob', id)
    },
  )
  return { fromAccountId: account.id, accountId: account.id, copied: done, notCopied: refused }
}

/** Returns the ids that a call names, each once. @throws MethodError */
function countedIds(call: MethodCall, argument: 'ids' | 'blobIds'): ReadonlySet<string> {
  const ids = required(call, argument, isStrings)
  assertCount(call, 'maxObjectsInGet', ids.length)
  return new Set(ids)
}

export const blobMethods: Readonly<Record<string, Method>> = {
  'Blob/upload': { capability: BLOB, run: uploadBlobs },
  'Blob/get': { capability: BLOB, run: getBlobs },
  'Blob/lookup': { capability: BLOB, run: lookUpBlobs },
  'Blob/copy': { capability: CORE, run: copyBlobs },
}
