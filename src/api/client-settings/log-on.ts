import { logonPolicy } from '../../accounts/directory/policy.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'

/** How a client proves who it is, as far as mail programs tell the ways apart. */
export const logOnWays = ['password', 'cram-md5', 'digest-md5', 'scram', 'ntlm', 'oauth2'] as const
export type LogOnWay = (typeof logOnWays)[number]

/** The SASL mechanisms of each way. */
const mechanismsOf: Readonly<Record<LogOnWay, RegExp>> = {
  password: /^(PLAIN|LOGIN)$/,
  'cram-md5': /^CRAM-MD5$/,
  'digest-md5': /^DIGEST-MD5$/,
  scram: /^SCRAM-/,
  ntlm: /^NTLM$/,
  oauth2: /^(XOAUTH2|OAUTHBEARER)$/,
}

/**
 * Returns the ways that a virtual server offers, in the order in which a program should prefer them: without TLS, those
 * that do not show the password come first.
 */
export function logOnWaysOf(
  server: Pick<ResolvedVirtualServer, 'authentication' | 'requireSecureChannel'>,
  directory: Pick<Directory, 'knowsPasswords'>,
  secure: boolean,
): LogOnWay[] {
  const { mechanisms, logon } = logonPolicy(server, directory, { secure })
  const offered = logOnWays.filter(
    (way) => (way === 'password' && logon === 'yes') || mechanisms.some((name) => mechanismsOf[way].test(name)),
  )
  return secure ? offered : offered.sort((a, b) => Number(a === 'password') - Number(b === 'password'))
}

interface Offer {
  readonly ways: readonly LogOnWay[]
}

/** Returns whether a password of the account logs on, in clear text or as a proof. */
export const takesPassword = ({ ways }: Offer): boolean => ways.some((way) => way !== 'oauth2')

/** Returns whether only an access token logs on. */
export const takesOnlyTokens = (offer: Offer): boolean => offer.ways.length > 0 && !takesPassword(offer)

/** The shell command that prints an access token. */
export const tokenCommand = (user: string): string => `sealpost access-token --account ${shellWord(user)}`

const shellWord = (text: string): string => (/^[\w.@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** The names of the ways in a program. It does not have the others. */
export type WayNames = Partial<Readonly<Record<LogOnWay | 'none', string>>>

/** Returns the names of the ways to log on in a program, the best first. Empty if it has none of them. */
export const wayNames = ({ ways }: Offer, names: WayNames): string[] => [
  ...new Set((ways.length === 0 ? (['none'] as const) : ways).flatMap((way) => names[way] ?? [])),
]
