import type { X509Certificate } from 'node:crypto'
import { certificatePem, readFacts, thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import { commonName } from '../../tls/pki/certificate/names.ts'

/** A root certificate of the lab. */
export interface Root {
  readonly name: string
  readonly certificate: X509Certificate
  /** Its name in trust stores: ASCII, the same on every machine, and unlike that of any other root. */
  readonly label: string
  /** The file that holds it, in PEM. */
  readonly file: string
}

/** One command that changes a trust store. */
export interface Step {
  readonly command: readonly string[]
  /** True if only the administrator of the machine may run it. */
  readonly asRoot?: boolean
}

export const storeKinds = ['system', 'nss', 'java'] as const
export type StoreKind = (typeof storeKinds)[number]

/** A place where programs of this machine look up the roots that they trust. */
export interface TrustStore {
  readonly kind: StoreKind
  readonly title: string
  /** The program that is missing to read or change the store, and how to get it. */
  readonly missing?: string
  /** The kind of store that this one copies its roots from whenever that one changes. */
  readonly follows?: StoreKind
  /** The PEM file with all roots of the store, if there is one. */
  readonly bundle?: string
  has(root: Root): Promise<boolean>
  install(root: Root): readonly Step[]
  uninstall(root: Root): Promise<readonly Step[]>
  /** Returns the steps that remove roots of any lab, including deleted labs. Undefined if the store cannot list them. */
  uninstallAll?(): Promise<readonly Step[]>
}

/** The beginning of every root's label. */
export const LABEL_START = 'sealpost-'

/** Length of the part of the thumbprint in a label. */
const LABEL_THUMBPRINT = 12

/** Returns a root with its label and the file that holds it in `folder`. */
export function rootOf(certificate: X509Certificate, fileOf: (label: string) => string): Root {
  const name = commonName(readFacts(certificate).subject)
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^(?:sealpost)?-|-$/g, '')
    .slice(0, 40)
  const label = `${LABEL_START}${slug}-${thumbprintOf(certificate).slice(0, LABEL_THUMBPRINT).toLowerCase()}`
  return { name, certificate, label, file: fileOf(label) }
}

/** Returns whether a PEM file contains a certificate. */
export function pemContains(pem: string, certificate: X509Certificate): boolean {
  const body = (text: string): string => text.replaceAll(/\s/g, '')
  return body(pem).includes(body(certificatePem(certificate)))
}

/** Returns a command as a POSIX shell reads it. */
export const shellLine = (command: readonly string[]): string =>
  command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ')
