import { randomUUID } from 'node:crypto'
import { keepUpload, uploadOf } from '../../jmap/uploads.ts'
import { accountIn } from '../account-mail.ts'
import { type Answer, type ProviderCall, ProviderError } from '../types.ts'
import { jsonIn } from '../values.ts'
import { invalid, notFound } from './errors.ts'

/** An upload that has begun. Its pieces are uploads of the store, so that every node has them. */
interface Upload {
  readonly user: string
  /** The body of its first request. */
  readonly json: string
  readonly pieces: readonly string[]
  readonly octets: number
}

const KEPT_MS = 2 * 3_600_000
const MAX_UPLOADS = 100
const MAX_JSON = 64 * 1024
/** Pieces other than the last one are multiples of this, so an upload has few of them. */
const PIECE_OCTETS = 256 * 1024

/**
 * Answers a request, or a request of a resumable upload: the last one of it as if its message came alone.
 * https://developers.google.com/workspace/gmail/api/guides/uploads#resumable
 */
export async function uploaded(call: ProviderCall, run: (call: ProviderCall) => Promise<Answer>): Promise<Answer> {
  const { api, c, path, body, context } = call
  const url = new URL(c.req.url)
  if (!path.includes('/upload/') || url.searchParams.get('uploadType') !== 'resumable') return run(call)
  const { user } = accountIn(call)
  const account = { store: api.lab.store, account: { user } }
  const uploads = api.lab.values.map<Upload>('gmail-uploads')
  const id = url.searchParams.get('upload_id')
  if (id === null) {
    if (body.length > MAX_JSON) throw invalid(`The metadata has more than ${MAX_JSON} octets`)
    const own = [...uploads.entries()].filter(([, one]) => one.user === user)
    for (const [old] of own.slice(0, -MAX_UPLOADS)) await uploads.delete(old)
    const made = randomUUID()
    url.searchParams.set('upload_id', made)
    await uploads.put(made, { user, json: `${body}` || '{}', pieces: [], octets: 0 }, { ttlMs: KEPT_MS })
    return { headers: { Location: `${call.base}${path}${url.search}`, 'X-GUploader-UploadID': made } }
  }
  const upload = uploads.get(id)
  if (upload?.user !== user) throw notFound()
  const range = c.req.header('Content-Range') ?? `bytes 0-${body.length - 1}/${body.length}`
  const [, from, to, total] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(range) ?? []
  if (total === undefined || (from !== undefined && Number(to) - Number(from) + 1 !== body.length))
    throw invalid(`Invalid Content-Range: ${range.slice(0, 100)}`)
  const { messageSize } = context.config.limits
  if (upload.octets + body.length > messageSize)
    throw new ProviderError('too-large', `the limit is ${messageSize} octets`)
  // A piece that does not follow is not taken: the client learns what is here.
  const isNext = Number(from) === upload.octets && body.length > 0
  const octets = upload.octets + (isNext ? body.length : 0)
  const isWhole = `${octets}` === total
  if (isNext && !isWhole && body.length % PIECE_OCTETS !== 0)
    throw invalid(`Send pieces of a multiple of ${PIECE_OCTETS} octets. Only the last one may have another size`)
  const limits = { maxSizeUpload: messageSize }
  const pieces = isNext ? [...upload.pieces, await keepUpload({ api, account, limits }, body)] : upload.pieces
  if (!isWhole) {
    await uploads.put(id, { ...upload, pieces, octets }, { ttlMs: KEPT_MS })
    return { status: 308, headers: octets > 0 ? { Range: `bytes=0-${octets - 1}` } : {} }
  }
  await uploads.delete(id)
  const all = await Promise.all(pieces.map(async (piece) => (await uploadOf(account, piece)) ?? lost()))
  const json = jsonIn(upload.json) as { readonly message?: object }
  const raw = Buffer.concat(all).toString('base64url')
  const whole = json.message ? { ...json, message: { ...json.message, raw } } : { ...json, raw }
  return run({ ...call, path: path.replace(/^.*\/upload(?=\/)/, ''), body: Buffer.from(JSON.stringify(whole)) })
}

/** Other uploads of the account took the room of this one. */
function lost(): never {
  throw notFound()
}
