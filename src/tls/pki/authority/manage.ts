import type { X509Certificate } from 'node:crypto'
import { allChains } from '../certificate-store/authority-keys.ts'
import { slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority, type StoreIndex } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { refuseAsDefault } from './create.ts'

/**
 * Makes an authority the one that issues for `certificate: auto`. Virtual servers then get certificates from it.
 * @throws PkiError `unknown`, or `refused` if it has no certificate yet or may not issue the names of the lab
 */
export function setDefaultAuthority(
  store: CertificateStore,
  name: string,
  options: { readonly autoNames?: readonly string[]; readonly force?: boolean } = {},
): Promise<AuthorityRecord> {
  return store.update(async (draft) => {
    const record = findAuthority(draft.index, name)
    const chain = await store.materials.authorityChain(record)
    refuseAsDefault(draft, { ...options, name: record.name, makeDefault: true }, chain)
    draft.index.defaultAuthority = record.name
    return record
  })
}

/**
 * Deletes an authority with its key, its revocation list and the record of what it has issued.
 * @param options `force` deletes it although certificates of it are in use or requests wait for it
 * @throws PkiError `refused` for the default authority, and for one with other authorities below it
 */
export async function deleteAuthority(
  store: CertificateStore,
  name: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<AuthorityRecord> {
  const deleted = await store.update(async (draft) => {
    const { index } = draft
    const record = findAuthority(index, name)
    const why = (await whyNeeded(store, index, record)) ?? (force ? undefined : whyUsed(index, record))
    if (why) throw new PkiError('refused', `"${record.name}" cannot be deleted: ${why}`)
    index.authorities = index.authorities.filter((one) => one !== record)
    if (index.oldClientAuthority === record.name) delete index.oldClientAuthority
    const directory = slug(record.name)
    if (index.acmeAccounts) index.acmeAccounts = index.acmeAccounts.filter(({ authority }) => authority !== directory)
    return record
  })
  const orders = `acme/${slug(deleted.name)}/`
  for (const path of await store.files.list()) if (path.startsWith(orders)) await store.files.remove(path)
  return deleted
}

/** Returns why an authority must stay, whatever people want; undefined if it need not. */
async function whyNeeded(
  store: CertificateStore,
  index: Readonly<StoreIndex>,
  record: AuthorityRecord,
): Promise<string | undefined> {
  if (index.defaultAuthority === record.name) {
    return 'it issues for certificate: auto. Make another one the default first: sealpost ca default NAME'
  }
  if (record.certificate === undefined) return undefined
  const own = (await allChains(store.materials, record)).map(([certificate]) => certificate)
  const below: string[] = []
  for (const other of index.authorities) {
    if (other !== record && (await isBelow(store, other, own))) below.push(`"${other.name}"`)
  }
  return below.length === 0 ? undefined : `other authorities are below it: ${below.join(', ')}. Delete them first`
}

async function isBelow(
  store: CertificateStore,
  record: AuthorityRecord,
  above: readonly X509Certificate[],
): Promise<boolean> {
  if (record.certificate === undefined) return false
  const [, ...issuers] = await store.materials.authorityChain(record)
  return issuers.some(({ raw }) => above.some((one) => one.raw.equals(raw)))
}

/** Returns why an authority is still used; undefined if it is not. */
function whyUsed(index: Readonly<StoreIndex>, { issued, queue }: AuthorityRecord): string | undefined {
  const own = new Set(issued.map(({ thumbprint }) => thumbprint))
  const users = Object.entries(index.assignments).filter(([, thumbprint]) => own.has(thumbprint))
  if (users.length > 0) {
    const names = users.map(([server]) => `"${server}"`).join(', ')
    return `certificates of it are assigned to ${names}; --force deletes it anyway`
  }
  const waiting = queue.filter(({ state }) => state === 'pending').length
  return waiting === 0 ? undefined : `requests wait for its approval (${waiting}); --force deletes it anyway`
}
