import { readCertificates } from '../answer.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import { issuersKnown } from '../certificate-store/issuers.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { buildChain, checkChain } from '../chain.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { checkDates } from '../lifecycle/dates.ts'
import { certificatePem } from '../x509/certificate.ts'
import { readFacts } from '../x509/facts.ts'
import { commonName } from '../x509/name.ts'
import { authorityPath } from './create.ts'

async function match(store: CertificateStore, octets: Buffer) {
  const certificates = readCertificates(octets)
  const waiting = store.index.authorities.filter(({ certificate }) => certificate === undefined)
  for (const authority of waiting) {
    const key = readPrivateKey(await store.materials.read(authority.key))
    const own = certificates.find((one) => one.checkPrivateKey(key))
    if (own) return { authority, own, certificates }
  }
  const names = waiting.map(({ name }) => `"${name}"`).join(', ')
  throw new PkiError(
    'refused',
    `the certificate has the key of no authority that waits for one; ${names ? `waiting: ${names}` : 'none is waiting'}`,
  )
}

/** Installs what an outside authority answered to a subordinate's request. @throws PkiError */
export async function installAuthority(
  store: CertificateStore,
  octets: Buffer,
  { force = false }: { readonly force?: boolean } = {},
): Promise<AuthorityRecord> {
  await store.refresh()
  const { authority, own, certificates } = await match(store, octets)
  const facts = readFacts(own)
  if (!facts.authority) {
    throw new PkiError(
      'refused',
      `the certificate issued to ${commonName(facts.subject)} is not one of an authority (no CA:TRUE)`,
    )
  }
  checkDates(facts, store.clock.now(), force)
  const chain = buildChain(own, [...certificates, ...(await issuersKnown(store))])
  checkChain(
    chain,
    certificates.filter((one) => one !== own),
    store.clock.now(),
    force,
  )
  return store.update((draft) => {
    const record = draft.index.authorities.find(({ name }) => name === authority.name)
    if (record === undefined || record.certificate !== undefined) {
      throw new PkiError('refused', `"${authority.name}" was changed meanwhile`)
    }
    record.certificate = draft.put(authorityPath(record.name, own), chain.certificates.map(certificatePem).join(''))
    delete record.request
    draft.index.defaultAuthority ??= record.name
    return record
  })
}
