import type { KeyObject, X509Certificate } from 'node:crypto'
import { readFacts } from '../../certificate/certificate.ts'
import { buildChain, type Chain, checkChain, checkDates } from '../../certificate/chain.ts'
import type { GeneralName } from '../../certificate/names.ts'
import { createRequest } from '../../certificate/request.ts'
import { addCertificate, type IndexDraft } from '../../certificate-store/draft.ts'
import type { CertificateRecord } from '../../certificate-store/index-file.ts'
import type { CertificateStore } from '../../certificate-store/types.ts'
import { PkiError } from '../../errors.ts'
import { readCertificates } from '../../keystore/certificate-files.ts'
import { type LifecycleContext, usersOf } from '../../lifecycle/context.ts'
import { installInDraft, planInstall } from '../../lifecycle/install.ts'
import { cancelRequest, type PlannedRequest, prepareRequest } from '../../lifecycle/request.ts'
import { type Identifier, identifierOf } from '../identifier.ts'
import { renewalId } from '../renewal-id.ts'
import { type AcmeAuthority, storeAuthority, storedAuthority } from './authority.ts'
import { readDirectory } from './directory.ts'
import { obtainByAcme } from './obtain.ts'

/**
 * Sends a request to an ACME authority, answers its challenges, and installs and assigns the certificate.
 * @throws PkiError; the request is deleted then, and the previous certificate stays in use
 */
export async function issueByAcme(
  context: LifecycleContext,
  planned: PlannedRequest,
  authority: AcmeAuthority,
): Promise<CertificateRecord> {
  const { store } = context
  await readDirectory(authority.directoryUrl, authority.ca)
  await store.refresh()
  const { record: request, pem } = await prepareRequest(context, planned)
  try {
    const order = { identifiers: identifiersOf(planned.names), requestPem: pem }
    const answer = await obtainByAcme(store, order, authority)
    const install = await planInstall(context, Buffer.from(answer), { for: request.virtualServer })
    return await store.update(async (draft) => {
      const record = await installInDraft(
        draft,
        { request, certificates: install.certificates },
        'installed',
        store.clock.now(),
      )
      record.acme = storeAuthority(draft, authority)
      return record
    })
  } catch (error) {
    // If another process has cancelled the request already, the first error is still the one to report.
    await cancelRequest(context, request.id).catch(() => {})
    throw error
  }
}

/**
 * Renews a certificate at the ACME authority that issued it, and assigns the new one wherever the old one is assigned.
 * No request is pending meanwhile: if the renewal fails, nothing has changed. Its predecessors that have expired are
 * deleted, because certificates of a few minutes would pile up.
 * @throws PkiError
 */
export async function renewByAcme(
  context: LifecycleContext,
  record: CertificateRecord,
  old: X509Certificate,
  key: KeyObject,
): Promise<CertificateRecord> {
  const { store } = context
  if (record.acme === undefined) throw new PkiError('refused', `"${record.friendlyName}" was not obtained by ACME`)
  const authority = await storedAuthority(store, record.acme)
  await readDirectory(authority.directoryUrl, authority.ca)
  const { subject, names } = readFacts(old)
  const hostNames = names.filter(({ type }) => type === 'dns' || type === 'ip')
  const requestPem = createRequest({ subject, key, names: hostNames })
  const order = { identifiers: identifiersOf(hostNames), requestPem, replaces: renewalId(old) }
  const { certificates } = await checkAnswer(store, await obtainByAcme(store, order, authority), key)
  return store.update(async (draft) => {
    const { friendlyName, acme } = record
    const next = await addCertificate(
      draft,
      {
        friendlyName,
        certificates,
        key: draft.putKey(friendlyName, key),
        origin: 'installed',
        replaces: record,
      },
      store.clock.now(),
    )
    next.acme = acme
    deleteExpired(context, draft, next.thumbprint)
    return next
  })
}

/** Deletes the predecessors of a certificate that have expired, unless a virtual server names them. */
function deleteExpired(context: LifecycleContext, { index }: IndexDraft, successor: string): void {
  const nowMs = context.store.clock.now()
  index.certificates = index.certificates.filter(
    ({ acme, replacedBy, notAfter, thumbprint }) =>
      acme === undefined ||
      replacedBy !== successor ||
      Date.parse(notAfter) >= nowMs ||
      usersOf(context, thumbprint, index).length > 0,
  )
}

/** Reads the certificate that an authority issued for a key. @throws PkiError if clients would not accept it */
async function checkAnswer(store: CertificateStore, answer: string, key: KeyObject): Promise<Chain> {
  const certificates = readCertificates(Buffer.from(answer))
  const leaf = certificates.find((one) => one.checkPrivateKey(key))
  if (leaf === undefined) throw new PkiError('refused', 'the authority issued a certificate for another key')
  checkDates(readFacts(leaf), store.clock.now(), false)
  const chain = buildChain(leaf, [...certificates, ...(await store.materials.knownIssuers(store.index))])
  const others = certificates.filter((one) => one !== leaf)
  checkChain(chain, others, store.clock.now(), false)
  return chain
}

const identifiersOf = (names: readonly GeneralName[]): Identifier[] =>
  names.filter(({ type }) => type === 'dns' || type === 'ip').map(({ value }) => identifierOf(value))
