import { createHash } from 'node:crypto'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { part, partOctetsOrRawInSteps } from '../../../src/mail/format/parts.ts'
import { parseInSteps } from '../../../src/mail/format/structure.ts'
import { SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import type { Mail } from '../../../src/storage/store/views/account-history.ts'
import type { MethodCall } from './types.ts'
import { uploadOf } from './uploads.ts'

/** Messages in parts of messages whose parts have ids. */
const MAX_DEPTH = 5
/** The id of a part: that of the message, which may be a part or an upload itself, and the IMAP section number with `_`. */
const PART = /^(.+)-(\d{1,5}(?:_\d{1,5}){0,99})$/

/** Returns the id of the content of a Sieve script. RFC 9661 section 2.1. */
export const scriptBlobId = (content: Buffer): string => `Z${createHash('sha256').update(content).digest('base64url')}`

/** Reading has no limits. */
const NO_LIMITS = { scripts: 0, scriptSize: 0 }

async function scriptOf({ store, account }: MethodCall['account'], blobId: string): Promise<Buffer | undefined> {
  const all = /^Z[\w-]{43}$/.test(blobId) ? await new SieveScripts(store, account, NO_LIMITS).list() : []
  return all.find(({ content }) => scriptBlobId(content) === blobId)?.content
}

/** Returns the octets of a message, a part of one, a Sieve script or an upload; undefined if the account has none of that id. */
export async function octetsOfBlob(
  call: Pick<MethodCall, 'account'>,
  blobId: string,
  depth = 0,
): Promise<Buffer | undefined> {
  const { history, store } = call.account
  const upload = (await uploadOf(call.account, blobId)) ?? (await scriptOf(call.account, blobId))
  const [copy] = history.mails.get(blobId)?.copies.values() ?? []
  if (upload || copy) return upload ?? (copy && store.read(copy.folder.id, copy.entry.uid))
  const [, id, path] = PART.exec(blobId) ?? []
  const raw = id === undefined || depth === MAX_DEPTH ? undefined : await octetsOfBlob(call, id, depth + 1)
  const found = raw && part(await runInSlices(parseInSteps(raw)), `${path}`.split('_').map(Number))
  return found && runInSlices(partOctetsOrRawInSteps(raw, found))
}

/** Returns the message of a blob, and the path of the part in it. */
export function placeOfBlob(
  { history }: MethodCall['account'],
  blobId: string,
): { readonly mail: Mail; readonly path?: readonly number[] } | undefined {
  const whole = history.mails.get(blobId)
  if (whole) return { mail: whole }
  const [, id = '', path = ''] = /^(.+)-(\d+(?:_\d+)*)$/.exec(blobId) ?? []
  const mail = history.mails.get(id)
  return mail && { mail, path: path.split('_').map(Number) }
}
