import type { NntpSession } from './session.ts'

/** A capability line for the session as it is now; undefined where it is not to be had. RFC 3977 section 3.3. */
type Capability = (session: NntpSession) => string | undefined

const always =
  (line: string): Capability =>
  () =>
    line

/** Log-on by AUTHINFO: what can be used now; bare where TLS has to come first. RFC 4643 section 2.1. */
const authinfo: Capability = ({ account, connection, policy }) => {
  // RFC 4643 section 2.2: not once logged on. RFC 8054 section 2.2.2: not under compression.
  if (account || connection.compressed) return undefined
  const ways = [policy.logon === 'yes' ? ' USER' : '', policy.mechanisms.length > 0 ? ' SASL' : ''].join('')
  return ways === '' && policy.logon === 'no' ? undefined : `AUTHINFO${ways}`
}

/** In the order they are announced. */
const capabilities: readonly Capability[] = [
  always('VERSION 2'), // RFC 3977 section 3.3.2: the first one
  always('IMPLEMENTATION Sealpost'),
  authinfo,
  ({ connection }) => (connection.compressed ? undefined : 'COMPRESS DEFLATE'), // RFC 8054 section 2.1
  always('HDR'),
  ({ peer }) => (peer ? 'IHAVE' : undefined),
  always(
    'LIST ACTIVE ACTIVE.TIMES COUNTS DISTRIB.PATS DISTRIBUTIONS HEADERS MODERATORS MOTD NEWSGROUPS OVERVIEW.FMT SUBSCRIPTIONS',
  ),
  always('NEWNEWS'),
  always('OVER MSGID'),
  ({ access }) => (access.posts ? 'POST' : undefined),
  always('READER'),
  // RFC 4643 section 2.1: only along with AUTHINFO SASL.
  (session) => (authinfo(session)?.includes('SASL') ? `SASL ${session.policy.mechanisms.join(' ')}` : undefined),
  // RFC 4642 section 2.1: not under TLS, nor once logged on; RFC 8054: nor under compression.
  ({ connection, account }) => (connection.canStartTls && !account && !connection.compressed ? 'STARTTLS' : undefined),
  ({ peer }) => (peer ? 'STREAMING' : undefined), // RFC 4644 section 2.1
  always('XPAT'),
]

export const capabilityLines = (session: NntpSession): string[] =>
  capabilities.map((capability) => capability(session)).filter((line) => line !== undefined)
