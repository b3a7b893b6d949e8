import { z } from 'zod'
import { acme } from './acme.ts'
import { certificate } from './certificate.ts'
import { mapping } from './mapping.ts'
import { duration, listenAddress, listenPort, portOrOff } from './values.ts'

const keyKinds = [
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'p256',
  'p384',
  'ed25519',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
] as const

/** The default folder of the certificate store, relative to the configuration file. */
export const DEFAULT_CERTIFICATES = 'certs'

/** The certificates are in the database of the messages. */
export const DATABASE = 'database'

const store = z.string().min(1)

/** A kind of certificate that authorities of the lab issue. */
const certificateProfile = mapping(() => ({
  purposes: z
    .array(z.enum(['serverAuth', 'clientAuth', 'codeSigning', 'emailProtection', 'timeStamping', 'OCSPSigning']))
    .min(1)
    .describe('What the certificates may be used for.'),
  lifetime: duration
    .refine((ms) => ms >= 1000, 'write at least 1s')
    .optional()
    .describe('Lifetime of the certificates. Default: 397 days.'),
  hash: z
    .enum(['md5', 'sha1', 'sha256', 'sha384', 'sha512'])
    .optional()
    .describe('Hash of their signatures. Default: that of the authority.'),
  key: z
    .enum(keyKinds)
    .optional()
    .describe('Type of the key that `cert issue` creates. Default: that of the store.')
    .meta({ examples: ['p256'] }),
  mustStaple: z
    .boolean()
    .optional()
    .describe(
      'Whether clients must refuse the certificates without a stapled OCSP response (RFC 7633). Virtual servers then need tls.ocspStapling: true.',
    )
    .meta({ examples: [true] }),
}))

const authorityService = mapping(() => ({
  address: listenAddress.describe('Address to listen on.'),
  port: listenPort.default(80).describe('HTTP port. portOffset is added; 0 takes a free port.'),
  tlsPort: portOrOff
    .default('off')
    .describe(
      'HTTPS port, served with a certificate of the lab. portOffset is added; 0 takes a free port. Clients fetch revocation lists and OCSP over HTTP.',
    ),
  acme: acme.prefault({}).describe('Certificates for ACME clients such as certbot. RFC 8555.'),
  url: z
    .url()
    .optional()
    .describe('URL of the service in certificates. Default: http:// with the host name and the port.')
    .meta({ examples: ['http://pki.lab.test'] }),
}))

/** The keys of `certificates`. */
export const certificateKeys = mapping(() => ({
  store: store
    .optional()
    .describe(
      'A folder relative to this file, `memory` or `database`. Default: `database` if messages are in PostgreSQL, so that all nodes have the same certificates, and the folder certs otherwise.',
    )
    .meta({ examples: [DEFAULT_CERTIFICATES] }),
  key: z
    .enum(keyKinds)
    .default('rsa-2048')
    .describe(
      'Key type of the lab’s root and of the certificates that `auto` issues. ML-DSA needs Node.js 24.6 or later.',
    ),
  default: certificate
    .prefault('auto')
    .describe('Certificate of virtual servers without a `certificate` key. Takes the same values.'),
  profiles: z
    .record(z.string().min(1), certificateProfile)
    .default({})
    .describe(
      'Kinds of certificates for `--profile`, in addition to server, client, user, smime, code-signing, ocsp-responder, short-lived and must-staple.',
    )
    .meta({ examples: [{ weekly: { purposes: ['serverAuth'], lifetime: '7d' } }] }),
  service: authorityService
    .optional()
    .describe(
      'HTTP service of the lab’s certificate authorities: revocation lists, OCSP, ACME and certificates. Not started when absent.',
    ),
  renew: z
    .boolean()
    .default(true)
    .describe('Whether a running lab renews certificates that were obtained with `cert issue --acme`.'),
}))

/** The certificates of a lab: their store alone, or with other keys. */
export const certificates = z.union([
  store.transform((text) => certificateKeys.parse({ store: text })),
  certificateKeys,
])
