import { type KeyObject, X509Certificate } from 'node:crypto'
import { certificatePem, readFacts } from '../certificate/certificate.ts'
import { buildChain, checkChain, checkDates } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import { addCertificate } from '../certificate-store/draft.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { issuersKnown } from '../certificate-store/materials.ts'
import { readPem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { readCertificates, writePkcs7 } from '../keystore/certificate-files.ts'
import { findVirtualServer, type LifecycleContext, refusePinned } from './context.ts'

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
  const { readPkcs12 } = await import('../keystore/pkcs12.ts')
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

/** pfx and pem carry the private key; cer and p7b do not. */
export const exportFormats = ['pfx', 'pem', 'cer', 'p7b'] as const
export type ExportFormat = (typeof exportFormats)[number]

export interface ExportOptions {
  readonly format?: ExportFormat
  /** Protects the private key. pfx needs one. */
  readonly password?: string
  /** In a form that Windows XP reads: triple DES and SHA-1. */
  readonly legacy?: boolean
}

/** Exports a certificate with its chain and, in pfx and pem, its key. @throws PkiError */
export async function exportCertificate(
  { store }: LifecycleContext,
  name: string,
  { format = 'pfx', password, legacy = false }: ExportOptions,
): Promise<Buffer> {
  await store.refresh()
  const installed = await store.materials.load(store.find(name))
  const leaf = new X509Certificate(installed.certificatePem)
  const { certificates } = buildChain(leaf, await issuersKnown(store))
  const key = readPrivateKey(installed.privateKeyPem)
  if (format === 'cer') return leaf.raw
  if (format === 'p7b') return writePkcs7(certificates)
  if (format === 'pem') {
    const protection = password ? { cipher: 'aes-256-cbc', passphrase: password } : {}
    const pem = key.export({ type: 'pkcs8', format: 'pem', ...protection }).toString()
    return Buffer.from([...certificates.map(certificatePem), pem].join(''))
  }
  if (!password) throw new PkiError('password', 'a .pfx file carries the private key: give it a password')
  const { writePkcs12 } = await import('../keystore/pkcs12.ts')
  return writePkcs12({ friendlyName: installed.friendlyName, key, certificates, password, legacy })
}
