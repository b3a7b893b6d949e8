import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { part, partOctetsOrRawInSteps } from '../../../src/mail/format/parts.ts'
import { parseInSteps } from '../../../src/mail/format/structure.ts'
import type { Mail } from '../../../src/storage/store/views/account-history.ts'
import type { MethodCall } from './types.ts'
import { uploadOf } from './uploads.ts'

/** Returns the octets of a message, a part of one or an upload; undefined if the account has none of that id. */
export async function octetsOfBlob(
  { account }: Pick<MethodCall, 'account'>,
  blobId: string,
): Promise<Buffer | undefined> {
  const upload = await uploadOf(account, blobId)
  if (upload) return upload
  const { mail, path } = placeOfBlob(account, blobId) ?? {}
  const [copy] = mail?.copies.values() ?? []
  const raw = copy && (await account.store.read(copy.folder.id, copy.entry.uid))
  if (!raw || path === undefined) return raw
  const found = part(await runInSlices(parseInSteps(raw)), path)
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
