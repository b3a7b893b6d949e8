import { type KeyObject, X509Certificate } from 'node:crypto'
import { certificatePem, readFacts } from '../certificate/certificate.ts'
import { buildChain, type Chain, checkChain, checkDates } from '../certificate/chain.ts'
import { issuedToOf } from '../certificate/names.ts'
import { addCertificate, alreadyHeld } from '../certificate-store/draft.ts'
import { checkFriendlyName, freeName, usableName } from '../certificate-store/friendly-names.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { readPem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { readCertificates, writePkcs7 } from '../keystore/certificate-files.ts'
import { type Content, detectContent } from '../keystore/content.ts'
import { readProtectedKey } from '../keystore/protected-key.ts'
import { unexpectedContent } from '../keystore/unexpected.ts'
import { refuseUnservable } from '../servability.ts'
import { completeChain } from './chains.ts'
import { findVirtualServer, type LifecycleContext, refusePinned, usersOf, type VirtualServerFacts } from './context.ts'
import { certificateSummary, completedSummary, type InstallSummary } from './install.ts'
import { refuseNotServed } from './serving.ts'

export interface ImportOptions {
  readonly password?: string
  /** The private key in PEM, if it is in a separate file. */
  readonly key?: string
  /** Default: the name in the file, or the common name. It gets a number if another certificate has it. */
  readonly friendlyName?: string
  /** Assigns the certificate to this virtual server. */
  readonly for?: string
  /** The certificate that it replaces, by name or thumbprint: it takes over its friendly name and its virtual servers. */
  readonly replaces?: string
  /** Accepts an expired or not yet valid certificate. */
  readonly force?: boolean
}

/** An imported certificate. */
interface ImportedCertificate extends CertificateRecord {
  /** If the store had it already: the authority that its chain reaches now, because the file completes the chain. */
  readonly completedTo?: string
}

/** A file that was read and checked, to import later. */
interface PlannedImport {
  readonly summary: InstallSummary
  readonly key: KeyObject
  readonly certificates: Chain['certificates']
  readonly server: VirtualServerFacts | undefined
  readonly replaced: CertificateRecord | undefined
}

/** Reads and checks a file with a certificate, its key and its chain. Changes nothing. @throws PkiError `password`, `malformed`, `refused` */
export async function planImport(
  context: LifecycleContext,
  file: Buffer,
  options: ImportOptions = {},
): Promise<PlannedImport> {
  const { store } = context
  const server = options.for === undefined ? undefined : findVirtualServer(context, options.for)
  if (server) refusePinned(server)
  if (options.friendlyName !== undefined) checkFriendlyName(options.friendlyName)
  const { key, certificates, friendlyName: nameInFile } = await readContent(file, options)
  const leaf = certificates.find((one) => one.checkPrivateKey(key))
  if (leaf === undefined) throw new PkiError('refused', 'the private key does not belong to the certificate')
  const facts = readFacts(leaf)
  const nowMs = store.clock.now()
  checkDates(facts, nowMs, options.force ?? false)
  await store.refresh()
  const replaced = options.replaces === undefined ? undefined : await store.find(options.replaces)
  const chain = buildChain(leaf, [...certificates, ...(await store.materials.knownIssuers(store.index))])
  const others = certificates.filter((one) => one !== leaf)
  checkChain(chain, others, nowMs, options.force ?? false)
  if (server) refuseNotServed(server, chain.certificates, key)
  else refuseUnservable(chain.certificates, key)
  const planned = { key, certificates: chain.certificates, server, replaced }
  const own = server ? [server.name] : []
  const held = store.index.certificates.find(({ thumbprint }) => thumbprint === facts.thumbprint)
  if (held) {
    const completed = await completedSummary(context, held, facts, chain.certificates.slice(1))
    if (completed === undefined) throw alreadyHeld(held)
    const { summary } = completed
    return { ...planned, summary: { ...summary, usedBy: [...new Set([...own, ...summary.usedBy])] } }
  }
  const wanted = options.friendlyName?.trim() ?? usableName(nameInFile) ?? issuedToOf(facts)
  const users = replaced ? usersOf(context, replaced.thumbprint) : []
  const summary = {
    ...(await certificateSummary(context, facts, chain)),
    friendlyName: replaced?.friendlyName ?? freeName(store.index, wanted),
    virtualServer: server?.name ?? '',
    usedBy: [...new Set([...own, ...users])],
  }
  return { ...planned, summary }
}

/**
 * Imports a certificate with its key and chain from PKCS#12 or PEM. If the store has it already, a longer chain completes
 * that of the store. @throws PkiError `password`, `malformed`, `refused`
 */
export async function importCertificate(
  context: LifecycleContext,
  file: Buffer,
  options: ImportOptions = {},
): Promise<ImportedCertificate> {
  return importPlanned(context, await planImport(context, file, options))
}

/** Imports what `planImport` returned. @throws PkiError `refused` */
export function importPlanned(
  { store }: LifecycleContext,
  { summary, key, certificates, server, replaced }: PlannedImport,
): Promise<ImportedCertificate> {
  const { friendlyName, thumbprint } = summary
  return store.update(async (draft) => {
    const held = draft.index.certificates.find((one) => one.thumbprint === thumbprint)
    const completedTo = held && (await completeChain(draft, held, certificates.slice(1)))
    if (held && completedTo !== undefined) {
      if (server) draft.index.assignments[server.name] = held.thumbprint
      return { ...held, completedTo }
    }
    const path = draft.putKey(friendlyName, key)
    const added = { friendlyName, certificates, key: path, origin: 'imported' } as const
    const record = await addCertificate(
      draft,
      { ...added, ...(replaced ? { replaces: replaced } : {}) },
      store.clock.now(),
    )
    if (server) draft.index.assignments[server.name] = record.thumbprint
    return record
  })
}

interface ImportedContent {
  readonly key: KeyObject
  readonly certificates: readonly X509Certificate[]
  readonly friendlyName?: string
}

async function readContent(file: Buffer, options: ImportOptions): Promise<ImportedContent> {
  const text = file.toString('latin1')
  if (text.includes('-----BEGIN ')) return readPemContent(file, text, options)
  if (options.key === undefined) return readPkcs12Content(file, options.password ?? '')
  return { key: await readProtectedKey(options.key, options.password), certificates: readCertificates(file) }
}

/** Kinds of PEM that can be a part of what is imported. */
const IMPORTABLE: readonly Content[] = ['certificate', 'pkcs7', 'private-key']

async function readPemContent(file: Buffer, text: string, { password, key }: ImportOptions): Promise<ImportedContent> {
  if (!IMPORTABLE.includes(detectContent(file))) throw unexpectedContent(file, 'import')
  const keyText =
    key ?? /-----BEGIN (?:[A-Z]+ |ENCRYPTED )?PRIVATE KEY-----[\s\S]*?-----END [A-Z ]+-----/.exec(text)?.[0]
  if (keyText === undefined) {
    throw new PkiError('malformed', 'the file contains no private key: name its file with --key, or import a .pfx')
  }
  if (!readPem(text).some(({ label }) => label.includes('CERTIFICATE') || label.includes('PKCS7'))) {
    throw new PkiError('malformed', 'the file contains no certificate')
  }
  return { key: await readProtectedKey(keyText, password), certificates: readCertificates(file) }
}

async function readPkcs12Content(file: Buffer, password: string): Promise<ImportedContent> {
  const content = detectContent(file)
  if (content !== 'pkcs12' && content !== 'unknown') throw unexpectedContent(file, 'import')
  const { readPkcs12 } = await import('../keystore/pkcs12.ts')
  const { keys, certificates, friendlyName } = await readPkcs12(file, password).catch((error: PkiError) => {
    throw error.code === 'malformed' && content === 'unknown' ? unexpectedContent(file, 'import', error) : error
  })
  const key = keys.find((one) => certificates.some((certificate) => certificate.checkPrivateKey(one)))
  if (key) return { key, certificates, ...(friendlyName ? { friendlyName } : {}) }
  const missing =
    keys.length === 0 ? 'no private key' : certificates.length === 0 ? 'no certificate' : 'no certificate of its key'
  throw new PkiError('malformed', `the file contains ${missing}`)
}

/** pfx and pem contain the private key; cer and p7b do not. */
export const exportFormats = ['pfx', 'pem', 'cer', 'p7b'] as const
export type ExportFormat = (typeof exportFormats)[number]

export interface ExportOptions {
  readonly format?: ExportFormat
  /** Protects the private key. Required for pfx. */
  readonly password?: string
  /** Writes a pfx that Windows XP can read: triple DES and SHA-1. */
  readonly legacy?: boolean
}

/** Exports a certificate with its chain and, in pfx and pem, its key. @throws PkiError */
export async function exportCertificate(
  { store }: LifecycleContext,
  name: string,
  { format = 'pfx', password, legacy = false }: ExportOptions,
): Promise<Buffer> {
  await store.refresh()
  const installed = await store.materials.load(await store.find(name))
  const leaf = new X509Certificate(installed.certificatePem)
  const { certificates } = buildChain(leaf, await store.materials.knownIssuers(store.index))
  if (format === 'cer') return leaf.raw
  if (format === 'p7b') return writePkcs7(certificates)
  const key = readPrivateKey(installed.privateKeyPem)
  if (format === 'pem') {
    const protection = password ? { cipher: 'aes-256-cbc', passphrase: password } : {}
    const pem = key.export({ type: 'pkcs8', format: 'pem', ...protection }).toString()
    return Buffer.from([...certificates.map(certificatePem), pem].join(''))
  }
  if (!password) throw new PkiError('password', 'a .pfx file contains the private key; give it a password')
  const { writePkcs12 } = await import('../keystore/pkcs12.ts')
  return writePkcs12({ friendlyName: installed.friendlyName, key, certificates, password, legacy })
}
