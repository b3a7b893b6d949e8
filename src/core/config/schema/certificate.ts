import { z } from 'zod'
import { type DefectName, defectNames } from './defect-names.ts'
import { mapping } from './mapping.ts'
import { hostName } from './values.ts'

/** Good certificates of different kinds, to compare the defective ones with. */
export const variantNames = ['rsa', 'p256', 'p384', 'ed25519', 'one-intermediate', 'two-intermediates'] as const
/** Variants that only Node.js 24.6 and later can use. Clients are not audited with them. */
export const postQuantumVariants = ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const
export type VariantName = (typeof variantNames)[number]
export type AnyVariantName = VariantName | (typeof postQuantumVariants)[number]

/** A defective certificate as a user writes it. */
interface DefectInput {
  readonly defect: DefectName
  /** The host name that the certificate is for. Default: the lab's names. */
  readonly hostname?: string | undefined
}

/** A variant of a good certificate as a user writes it. */
interface VariantInput {
  readonly variant: AnyVariantName
  /** The host name that the certificate is for. Default: the lab's names. */
  readonly hostname?: string | undefined
}

/** A certificate in files as a user writes it. */
interface FileInput {
  /** The certificate and its issuers' certificates. */
  readonly file: string
  readonly keyFile: string
}

/** One certificate as a user writes it: `auto`, `assigned`, `none`, a friendly name, a thumbprint, a defect, a variant or files. */
export type CertificateInput = string | DefectInput | VariantInput | FileInput

/** Which certificate a virtual server uses. */
export type SingleCertificateChoice =
  /** The certificate assigned in the store, or else one that the lab issues. */
  | { readonly kind: 'auto' }
  /** The certificate assigned in the store, if any. */
  | { readonly kind: 'assigned' }
  | { readonly kind: 'none' }
  /** A certificate of the store, by friendly name or thumbprint. */
  | { readonly kind: 'named'; readonly name: string }
  /** Files outside the store. */
  | { readonly kind: 'file'; readonly file: string; readonly keyFile: string }
  | { readonly kind: 'defect'; readonly defect: DefectName; readonly hostname?: string }
  | { readonly kind: 'variant'; readonly variant: AnyVariantName; readonly hostname?: string }

/** Which certificates a virtual server uses. The first of a list is the default; the others are chosen by SNI. */
export type CertificateChoice =
  | SingleCertificateChoice
  | { readonly kind: 'list'; readonly choices: readonly SingleCertificateChoice[] }

const keywords = ['auto', 'assigned', 'none'] as const

/** Returns the choice that a user's setting stands for. Does not check names. */
export function certificateChoice(input: CertificateInput): SingleCertificateChoice {
  if (typeof input === 'string') {
    const keyword = keywords.find((known) => known === input)
    return keyword === undefined ? { kind: 'named', name: input } : { kind: keyword }
  }
  if ('file' in input) return { kind: 'file', ...input }
  const host = input.hostname === undefined ? {} : { hostname: input.hostname }
  if ('variant' in input) return { kind: 'variant', variant: input.variant, ...host }
  return { kind: 'defect', defect: input.defect, ...host }
}

/** Returns the choices of a list, or the one choice. */
export const choicesOf = (choice: CertificateChoice): readonly SingleCertificateChoice[] =>
  choice.kind === 'list' ? choice.choices : [choice]

/** Returns a choice as the configuration file writes it, for messages: `auto`, `{ defect: expired }`, `[First, Second]`. */
export function certificateText(choice: CertificateChoice): string {
  switch (choice.kind) {
    case 'list':
      return `[${choice.choices.map(certificateText).join(', ')}]`
    case 'named':
      return choice.name
    case 'file':
      return `{ file: ${choice.file}, keyFile: ${choice.keyFile} }`
    case 'defect':
      return `{ defect: ${choice.defect}${hostText(choice.hostname)} }`
    case 'variant':
      return `{ variant: ${choice.variant}${hostText(choice.hostname)} }`
    default:
      return choice.kind
  }
}

const hostText = (hostname: string | undefined): string => (hostname === undefined ? '' : `, hostname: ${hostname}`)

const hostname = hostName
  .optional()
  .describe('The host name that the certificate is for. Default: the lab’s names.')
  .meta({ examples: ['expired.lab.test'] })

const name = z.string().min(1)

const defect = mapping(() => ({
  defect: z
    .enum(defectNames)
    .describe('The defect; docs/testing-certificates.md describes each one.')
    .meta({ examples: ['expired'] }),
  hostname,
}))

const variant = mapping(() => ({
  variant: z
    .enum([...variantNames, ...postQuantumVariants])
    .describe('A good certificate of this kind; docs/testing-certificates.md describes each variant.')
    .meta({ examples: ['p256'] }),
  hostname,
}))

const files = mapping(() => ({
  file: z
    .string()
    .min(1)
    .describe(
      'File with the certificate and those of its issuers, in PEM, relative to this file. It is read at the start and at each reload.',
    )
    .meta({ examples: ['../server.pem'] }),
  keyFile: z
    .string()
    .min(1)
    .describe('File with the private key, in PEM.')
    .meta({ examples: ['../server.key'] }),
}))

const single = z.union([name, defect, variant, files])

/** The value of `certificate:`. */
export const certificate = z
  .union([name, defect, variant, files, z.array(single).min(1)])
  .transform(
    (input): CertificateChoice =>
      Array.isArray(input) ? { kind: 'list', choices: input.map(certificateChoice) } : certificateChoice(input),
  )
