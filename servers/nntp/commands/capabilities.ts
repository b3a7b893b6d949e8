import { defineCommand, type NntpSession } from '../command.ts'
import { syntaxError } from '../reply.ts'

/** Returns a capability line for the session as it is now; undefined if it is not available. RFC 3977 section 3.3. */
type Capability = (session: NntpSession) => string | undefined

const always =
  (line: string): Capability =>
  () =>
    line

/** Returns AUTHINFO with the forms that can be used now; without forms if the client must start TLS first. RFC 4643 section 2.1. */
const authinfo: Capability = ({ account, isAnonymous, connection, policy }) => {
  // RFC 4643 section 2.2: not after a log-on. RFC 8054 section 2.2.2: not under compression.
  if (account || isAnonymous || connection.compressed) return undefined
  const forms = [policy.logon === 'yes' ? ' USER' : '', policy.mechanisms.length > 0 ? ' SASL' : ''].join('')
  return forms === '' && policy.logon === 'no' && policy.mechanismsOverTls.length === 0 ? undefined : `AUTHINFO${forms}`
}

const listOfMechanisms = (mechanisms: readonly string[]): string | undefined =>
  mechanisms.length > 0 ? `SASL ${mechanisms.join(' ')}` : undefined

/** In the order of the reply. */
const capabilityRows: readonly Capability[] = [
  always('VERSION 2'), // RFC 3977 section 3.3.2: the first line
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
  ({ access }) => (access.canPost ? 'POST' : undefined),
  always('READER'),
  // RFC 4643 section 2.1: together with AUTHINFO SASL. Section 2.2: the same list after a log-on, so that a client can notice
  // that an attacker has removed mechanisms.
  (session) =>
    session.account || session.isAnonymous || authinfo(session)?.includes('SASL')
      ? listOfMechanisms(session.policy.mechanisms)
      : undefined,
  // RFC 4642 section 2.1: not under TLS or after a log-on. RFC 8054 section 2.2.2: not under compression.
  ({ connection, account, isAnonymous }) =>
    connection.canStartTls && !account && !isAnonymous && !connection.compressed ? 'STARTTLS' : undefined,
  ({ peer }) => (peer ? 'STREAMING' : undefined), // RFC 4644 section 2.1
  always('XPAT'),
]

const capabilityLines = (session: NntpSession): string[] =>
  capabilityRows.map((row) => row(session)).filter((line) => line !== undefined)

/** CAPABILITIES [keyword]. The keyword is reserved for extensions and ignored. RFC 3977 section 5.2. */
export const capabilities = defineCommand({
  name: 'CAPABILITIES',
  syntax: '[keyword]',
  args: [0, 1],
  parse([keyword]) {
    if (keyword !== undefined && !/^[a-z][a-z0-9.-]{2,}$/i.test(keyword)) throw syntaxError('Invalid keyword')
  },
  run: (session) => session.replyLines(101, 'Capability list follows', capabilityLines(session)),
})

/** LIST EXTENSIONS, from the drafts before RFC 3977: the capabilities without VERSION and IMPLEMENTATION. */
export const listExtensions = defineCommand({
  name: 'LIST EXTENSIONS',
  run: (session) => session.replyLines(202, 'Extensions supported', capabilityLines(session).slice(2)),
})
