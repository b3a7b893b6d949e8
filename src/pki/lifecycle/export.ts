import { X509Certificate } from 'node:crypto'
import { issuersKnown } from '../certificate-store/issuers.ts'
import { buildChain } from '../chain.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { writePkcs7 } from '../pkcs7.ts'
import { certificatePem } from '../x509/certificate.ts'
import type { LifecycleContext } from './context.ts'

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
  const { writePkcs12 } = await import('../pkcs12/write.ts')
  return writePkcs12({ friendlyName: installed.friendlyName, key, certificates, password, legacy })
}
