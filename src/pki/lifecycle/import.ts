import type { KeyObject, X509Certificate } from 'node:crypto'
import { readCertificates } from '../answer.ts'
import { readPem } from '../asn1/pem.ts'
import { addCertificate } from '../certificate-store/add.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { issuersKnown } from '../certificate-store/issuers.ts'
import { buildChain, checkChain } from '../chain.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { readFacts } from '../x509/facts.ts'
import { commonName } from '../x509/name.ts'
import { findVirtualServer, type LifecycleContext, refusePinned } from './context.ts'
import { checkDates } from './dates.ts'

export interface ImportOptions {
  readonly password?: string
  /** A private key that stands in a file of its own (PEM). */
  readonly key?: string
  /** Default: the one in the file, else the common name. */
  readonly friendlyName?: string
  /** Assign it to this virtual server at once. */
  readonly for?: string
  readonly force?: boolean
}

interface Content {
  readonly key: KeyObject
  readonly certificates: readonly X509Certificate[]
  readonly friendlyName?: string
}

function readPemContent(text: string, { password, key }: ImportOptions): Content {
  const blocks = readPem(text)
  const keyText =
    key ?? /-----BEGIN (?:[A-Z]+ |ENCRYPTED )?PRIVATE KEY-----[\s\S]*?-----END [A-Z ]+-----/.exec(text)?.[0]
  if (keyText === undefined)
    throw new PkiError('malformed', 'the file holds no private key: give it with --key, or import a .pfx')
  if (!blocks.some(({ label }) => label.includes('CERTIFICATE') || label.includes('PKCS7'))) {
    throw new PkiError('malformed', 'the file holds no certificate')
  }
  return { key: readPrivateKey(keyText, password), certificates: readCertificates(Buffer.from(text)) }
}

async function readPkcs12Content(octets: Buffer, password: string): Promise<Content> {
  const { readPkcs12 } = await import('../pkcs12/read.ts')
  const { keys, certificates, friendlyName } = await readPkcs12(octets, password)
  const key = keys.find((one) => certificates.some((certificate) => certificate.checkPrivateKey(one)))
  if (key === undefined) {
    const what =
      keys.length === 0
        ? 'no private key'
        : certificates.length === 0
          ? 'no certificate'
          : 'no key with its certificate'
    throw new PkiError('malformed', `the file holds ${what}`)
  }
  return { key, certificates, ...(friendlyName ? { friendlyName } : {}) }
}

function readContent(octets: Buffer, options: ImportOptions): Promise<Content> | Content {
  const text = octets.toString('latin1')
  if (text.includes('-----BEGIN ') || options.key !== undefined) {
    if (text.includes('-----BEGIN ')) return readPemContent(text, options)
    return { key: readPrivateKey(options.key ?? '', options.password), certificates: readCertificates(octets) }
  }
  return readPkcs12Content(octets, options.password ?? '')
}

/** Imports a certificate with its key and chain, from PKCS#12 or PEM. @throws PkiError `password`, `malformed`, `refused` */
export async function importCertificate(
  context: LifecycleContext,
  octets: Buffer,
  options: ImportOptions = {},
): Promise<CertificateRecord> {
  const { store } = context
  const server = options.for === undefined ? undefined : findVirtualServer(context, options.for)
  if (server) refusePinned(server)
  const content = await readContent(octets, options)
  const { key, certificates } = content
  const leaf = certificates.find((one) => one.checkPrivateKey(key))
  if (leaf === undefined) throw new PkiError('refused', 'the private key does not belong to the certificate')
  const facts = readFacts(leaf)
  checkDates(facts, store.clock.now(), options.force ?? false)
  await store.refresh()
  const chain = buildChain(leaf, [...certificates, ...(await issuersKnown(store))])
  checkChain(
    chain,
    certificates.filter((one) => one !== leaf),
    store.clock.now(),
    options.force ?? false,
  )
  const friendlyName = options.friendlyName ?? content.friendlyName ?? commonName(facts.subject)
  return store.update((draft) => {
    const path = draft.putKey(friendlyName, key)
    const added = { friendlyName, certificates: chain.certificates, key: path, origin: 'imported' } as const
    const record = addCertificate(draft, added, store.clock.now())
    if (server) draft.index.assignments[server.name] = record.thumbprint
    return record
  })
}
