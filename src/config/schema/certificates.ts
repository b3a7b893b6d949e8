import { z } from 'zod'
import { addressOrNetwork, listenAddress, listenPort, portOrOff } from './values.ts'

const keyKinds = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'p256', 'p384', 'ed25519'] as const

const store = z.string().min(1)

export const certificates = z.union([
  store,
  z.strictObject({
    store: store.default('../certs').describe('The folder, or `memory`.'),
    key: z.enum(keyKinds).default('rsa-2048').describe('Key type of the certificates that `auto` issues.'),
    renewAcme: z
      .boolean()
      .default(true)
      .describe('Whether a running lab renews certificates that were obtained with `cert issue --acme`.'),
  }),
])

export const authorityService = z.strictObject({
  address: listenAddress.describe('Address to listen on.'),
  port: listenPort.default(80).describe('HTTP port. portOffset is added; 0 takes a free port.'),
  tlsPort: portOrOff
    .default('off')
    .describe(
      'HTTPS port, served with a certificate of the lab. portOffset is added; 0 takes a free port. Clients fetch revocation lists and OCSP over HTTP.',
    ),
  acme: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Whether each authority has an ACME directory at /acme/AUTHORITY/directory.'),
      httpPort: z
        .number()
        .int()
        .min(1)
        .max(65535)
        .default(80)
        .describe('Port on which ACME clients answer http-01 challenges.'),
      addresses: z
        .array(addressOrNetwork)
        .default([])
        .describe(
          'IP addresses and networks of ACME clients. http-01 challenges connect to these and to loopback addresses only.',
        )
        .meta({ examples: [['192.0.2.7', '172.16.0.0/12']] }),
      externalAccounts: z
        .record(z.string(), z.string().regex(/^[\w-]{22,}$/, 'write a MAC key of 128 bits or more in base64url'))
        .default({})
        .describe('MAC keys (base64url) by key identifier. If any are set, every new account must be bound to one.'),
    })
    .prefault({})
    .describe('Certificates for ACME clients such as certbot. RFC 8555.'),
  url: z
    .url()
    .optional()
    .describe('URL of the service in certificates. Default: http:// with the host name and the port.')
    .meta({ examples: ['http://pki.lab.test'] }),
})
