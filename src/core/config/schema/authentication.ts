import { z } from 'zod'
import type { PasswordForm } from '../accounts/known-passwords.ts'

interface MethodFacts {
  readonly basic?: true
  readonly onlyOverTls?: true
  readonly knows?: PasswordForm
}

/**
 * The SASL mechanisms that can be named. `basic` includes those marked so. Those with `knows` are offered only where the
 * directory knows passwords in that form. EXTERNAL needs no name: a client certificate offers it. `basic` has no -PLUS form:
 * NeoMutt and Mutt choose one, cancel it because they have no channel binding, and then fail or lose step with the replies.
 */
const saslMethods = {
  plain: { basic: true },
  login: { basic: true },
  'cram-md5': { basic: true, knows: 'clear' },
  'digest-md5': { knows: 'clear' },
  'scram-sha-1': { basic: true, knows: 'SCRAM-SHA-1' },
  'scram-sha-1-plus': { onlyOverTls: true, knows: 'SCRAM-SHA-1' },
  'scram-sha-256': { basic: true, knows: 'SCRAM-SHA-256' },
  'scram-sha-256-plus': { onlyOverTls: true, knows: 'SCRAM-SHA-256' },
  'scram-sha-512': { basic: true, knows: 'SCRAM-SHA-512' },
  'scram-sha-512-plus': { onlyOverTls: true, knows: 'SCRAM-SHA-512' },
  ntlm: { knows: 'clear' },
  xoauth2: { onlyOverTls: true },
  oauthbearer: { onlyOverTls: true }, // RFC 7628 section 4
  'sasl-anonymous': {}, // RFC 4505
} as const satisfies Record<string, MethodFacts>

export type SaslMethod = keyof typeof saslMethods

export const saslMethodNames = Object.keys(saslMethods) as [SaslMethod, ...SaslMethod[]]

const methods = z.enum(['anonymous', 'basic', 'basic-over-tls', ...saslMethodNames])
export type AuthenticationMethod = z.output<typeof methods>

/** Returns whether a method is a SASL mechanism. */
const isSaslMethod = (method: string): method is SaslMethod => Object.hasOwn(saslMethods, method)

/** Returns whether `basic` includes a mechanism. */
export const isBasicMethod = (method: SaslMethod): boolean => 'basic' in saslMethods[method]

/** Returns what a method must know of passwords, if it needs more than to verify one. An open directory knows none. */
export function passwordFormOf(method: string): PasswordForm | undefined {
  const found: MethodFacts = isSaslMethod(method) ? saslMethods[method] : {}
  return found.knows
}

/** Returns whether a method is accepted only over TLS. */
export const isOnlyOverTls = (method: AuthenticationMethod): boolean =>
  method === 'basic-over-tls' || (isSaslMethod(method) && 'onlyOverTls' in saslMethods[method])

export const authentication = z
  .array(methods)
  .min(1)
  .default(['anonymous', 'basic'])
  .describe(
    'How clients log on. anonymous: without a log-on. basic: with name and password, by every command and by PLAIN, LOGIN, CRAM-MD5 and SCRAM, without its -PLUS forms, which some clients choose and then cancel. basic-over-tls: the same, offered and accepted only over TLS. The names of single SASL mechanisms are offered in addition. sasl-anonymous (smtp and nntp, beside anonymous): the mechanism ANONYMOUS. See docs/accounts.md. http: anonymous callers are administrators, and only on a loopback address; tokens are always accepted.',
  )
