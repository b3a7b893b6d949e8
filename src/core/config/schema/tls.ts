import { z } from 'zod'
import { cipherStringError, opensslName, supportsGroup, usualGroups } from '../openssl.ts'
import { tlsDefectNames } from '../tls-defects.ts'
import { legacySuiteNames, tlsVersions } from '../tls-names.ts'
import { DEFAULT_POLICY, type NamedPolicy, tlsPolicies, tlsPolicyNames } from '../tls-policies.ts'
import { mapping } from './mapping.ts'

const ciphers = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const error = text === '' ? undefined : cipherStringError(text)
    if (error !== undefined) context.addIssue({ code: 'custom', message: cipherErrors[error] })
  })

const cipherErrors = {
  'no suite': `${opensslName} has no suite of this name; \`openssl ciphers -s -v\` lists names, and tls.legacy adds RC4, DES, 3DES and export suites`,
  syntax:
    'not an OpenSSL cipher string; write names with colons between them, such as ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA',
}

const group = z.string().superRefine((name, context) => {
  if (supportsGroup(name)) return
  context.addIssue({
    code: 'custom',
    message: `${opensslName} does not support this group; it has ${usualGroups().join(', ')}`,
  })
})

const tlsKeys = mapping(() => ({
  policy: z
    .enum(tlsPolicyNames)
    .optional()
    .describe(
      'Named policy, which the other keys of `tls` override. modern (TLS 1.3 only), intermediate and old are those of Mozilla’s Server Side TLS; outlook-express accepts clients of the 1990s.',
    )
    .meta({ examples: ['intermediate'] }),
  minVersion: z
    .enum(tlsVersions)
    .optional()
    .describe('Lowest TLS version accepted. Default: that of the policy, TLSv1.2 without one.')
    .meta({ examples: ['TLSv1.2'] }),
  maxVersion: z
    .enum(tlsVersions)
    .optional()
    .describe('Highest TLS version accepted. Default: that of the policy, TLSv1.3 without one.')
    .meta({ examples: ['TLSv1.3'] }),
  ciphers: ciphers
    .optional()
    .describe(
      'OpenSSL cipher string. Default: that of the policy, or of Node.js. NULL suites and old versions can be allowed here.',
    )
    .meta({ examples: ['ECDHE+AESGCM'] }),
  groups: z
    .array(group)
    .min(1)
    .optional()
    .describe(
      'Groups of the key exchange in order of preference; clients that offer none of them are refused. Post-quantum groups need Node.js with OpenSSL 3.5 (22.20, 24.5 or later) and TLS 1.3. Default: those of the policy, or of OpenSSL.',
    )
    .meta({ examples: [['X25519MLKEM768', 'X25519']] }),
  ocspStapling: z
    .boolean()
    .default(false)
    .describe('Whether an OCSP response of the lab’s authority is stapled to handshakes that ask for one.'),
  legacy: z
    .union([z.literal('off'), z.literal(true), z.array(z.enum(legacySuiteNames)).min(1)])
    .optional()
    .describe(
      'Also accepts clients of the 1990s with SSL 3.0, TLS 1.0 or suites that Node.js no longer has: true, or a list of suites in order of preference. EXPORT1024 suites with MD5, DHE and anonymous suites must be listed. This cryptography is broken; use it in a lab only. Default: off, true with the policy outlook-express.',
    )
    .meta({ examples: ['off'] }),
  defect: z
    .enum(tlsDefectNames)
    .optional()
    .describe(
      'A defect of the protocol, to test scanners and clients (docs/protocol-defects.md). Only on a loopback address. It affects clients that are served with TLS 1.2 or below and offer a suite of the engine.',
    )
    .meta({ examples: ['bleichenbacher'] }),
  strength: z
    .enum(['nominal', 'effective'])
    .default('nominal')
    .describe(
      'What require128BitEncryption compares in suites of tls.legacy. nominal: the key length, as in Exchange (168 bits for 3DES). effective: the cost of an attack (112 bits for 3DES, 80 for DHE with 1024 bits, 0 for anonymous suites).',
    ),
}))

/** The keys with the values of the policy filled in. */
export const tls = tlsKeys.transform(({ minVersion, maxVersion, ciphers, groups, legacy, ...rest }) => {
  const policy: NamedPolicy = rest.policy === undefined ? DEFAULT_POLICY : tlsPolicies[rest.policy]
  return {
    ...rest,
    minVersion: minVersion ?? policy.minVersion,
    maxVersion: maxVersion ?? policy.maxVersion,
    ciphers: ciphers ?? policy.ciphers?.join(':'),
    groups: groups ?? policy.groups?.filter(supportsGroup),
    legacy: legacy ?? policy.legacy ?? 'off',
  }
})
