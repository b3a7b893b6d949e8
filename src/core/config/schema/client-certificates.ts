import { z } from 'zod'
import { mapping } from './mapping.ts'

/** An outside authority whose certificates log on: the name of an outside root of the store, or a file. */
export type TrustChoice = string | { readonly file: string }

/** How a virtual server treats client certificates. */
export interface ClientCertificateChoice {
  readonly mode: 'off' | 'accept' | 'require'
  /** Authorities that count beside those of the lab. */
  readonly trust: readonly TrustChoice[]
}

const rootFile = mapping(() => ({
  file: z
    .string()
    .min(1)
    .describe(
      'File with roots in PEM, DER or PKCS#7, relative to this file. It is read at the start and at each reload.',
    )
    .meta({ examples: ['../partner-root.pem'] }),
}))

const withTrust = mapping(() => ({
  mode: z
    .enum(['accept', 'require'])
    .default('accept')
    .describe('accept: a client may send a certificate. require: it must send one that can be verified.'),
  trust: z
    .array(z.union([z.string().min(1), rootFile]))
    .min(1)
    .describe(
      'Outside roots whose certificates log on, beside those of the lab: names of roots that `sealpost ca add-trusted` added, or files.',
    )
    .meta({ examples: [['Partner Root CA', { file: '../partner-root.pem' }]] }),
}))

/** The value of `clientCertificates:`. */
export const clientCertificates = z
  .union([z.enum(['off', 'accept', 'require']), withTrust])
  .transform((input): ClientCertificateChoice => (typeof input === 'string' ? { mode: input, trust: [] } : input))
