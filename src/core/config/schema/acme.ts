import { z } from 'zod'
import { mapping } from './mapping.ts'
import { addressOrNetwork, duration, timeLimit } from './values.ts'

const port = z.number().int().min(1).max(65535)

const dnsSource = z.union(
  [z.string().min(1), z.array(z.string().min(1)).min(1)],
  'write the address of a DNS server, or a list of a program and its arguments',
)

const profile = mapping(() => ({
  lifetime: duration.refine((ms) => ms >= 1000, 'write at least 1s').describe('Lifetime of the certificates.'),
  description: z.string().default('').describe('What people read about it in the directory.'),
  minRsaBits: z
    .number()
    .int()
    .min(512)
    .default(2048)
    .describe('Bits of the shortest RSA key. The lab refuses a request with a shorter one (badCSR).'),
}))

const share = z.number().min(0).max(1)

const strictness = mapping(() => ({
  rejectNonces: share.default(0).describe('Share of good nonces to reject, 0 to 1. Clients must try again.'),
  reuseAuthorizations: share
    .default(1)
    .describe(
      'Share of valid authorizations that new orders reuse, 0 to 1. For the others, clients prove control again.',
    ),
  orderLifetime: z
    .tuple([duration, duration])
    .prefault(['1d', '1d'])
    .describe('Shortest and longest lifetime of an order. Each order gets a random lifetime between them.')
    .meta({ examples: [['10m', '7d']] }),
  validationDelay: timeLimit
    .prefault('0s')
    .describe('Longest wait before a challenge is validated. Each challenge gets a random one.'),
  seed: z
    .number()
    .int()
    .nonnegative()
    .default(823024)
    .describe('Seed of the random numbers. The same seed and the same requests give the same decisions.'),
}))

/** The key `certificates.service.acme`. */
export const acme = mapping(() => ({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      'Whether each authority has an ACME directory at /acme/AUTHORITY/directory, and the default one at /acme/directory.',
    ),
  httpPort: port.default(80).describe('Port on which ACME clients answer http-01 challenges.'),
  tlsAlpnPort: port.default(443).describe('Port on which ACME clients answer tls-alpn-01 challenges. RFC 8737.'),
  dns: dnsSource
    .optional()
    .describe(
      'Where the lab reads the TXT records of dns-01 challenges, which wildcards need: the IP address of a DNS server with its port, or a list of a program and its arguments. A path of a program is relative to this file. The program gets the name, such as _acme-challenge.lab.test, as its last argument and prints one record per line. Default: the zones of the lab if it has a DNS server (key `dns`); else dns-01 is not offered.',
    )
    .meta({ examples: [['/usr/local/bin/txt-records'], '127.0.0.1:8053'] }),
  caaIdentities: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, 'write a domain name in lower case')
        .max(253),
    )
    .min(1)
    .max(10)
    .default(['sealpost.test'])
    .describe(
      'Domain names by which TXT records of dns-persist-01 challenges name the authorities. The directories list them as `caaIdentities`. CAA records are not checked.',
    )
    .meta({ examples: [['ca.lab.test']] }),
  from: z
    .array(addressOrNetwork)
    .default([])
    .describe(
      'IP addresses and networks of ACME clients. The lab validates http-01 and tls-alpn-01 only at these and at loopback addresses. A redirect must lead to one of them, too.',
    )
    .meta({ examples: [['192.0.2.7', '172.16.0.0/12']] }),
  externalAccounts: z
    .record(
      z.string(),
      z
        .string()
        .regex(/^[\w-]{22,}$/, 'write a MAC key of 128 bits or more in base64url')
        .meta({ writeOnly: true }),
    )
    .default({})
    .describe('MAC keys (base64url) by key identifier. If any are set, every new account must be bound to one.'),
  profiles: z
    .record(z.string().regex(/^[\w.-]+$/, 'write a name of letters, digits, dots and hyphens'), profile)
    .prefault({
      classic: { lifetime: '90d', description: 'Server certificates for 90 days' },
      shortlived: { lifetime: '6d', description: 'Server certificates for 6 days' },
    })
    .describe(
      'Kinds of certificates that ACME clients can choose, by name. An order without a profile gets 397 days. draft-aaron-acme-profiles.',
    )
    .meta({ examples: [{ brief: { lifetime: '5m' } }] }),
  strictness: strictness
    .optional()
    .describe('Makes the ACME directories fail and vary as real authorities do, to test clients.'),
}))
