import { limitsOf } from '../../../src/storage/store/retention.ts'
import type { ServerContext } from '../../service.ts'
import { inAnyState, inAuthorization, inTransaction, type Pop3Session } from '../command.ts'
import { personalityCapabilities } from '../personality.ts'
import { Pop3Error, type Pop3Reply } from '../reply.ts'

/** CAPA. RFC 2449. */
export const capa = inAnyState({
  name: 'CAPA',
  run: (session) => ({ text: 'capability list follows', lines: announcedCapabilities(session) }),
})

const announcedCapabilities = (session: Pop3Session): string[] =>
  session.words ? personalityCapabilities(session.words, session) : capabilities(session)

function capabilities({ policy, connection, state, context }: Pop3Session): string[] {
  return [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    ...expiry(context),
    ...loginDelay(context.config.limits.loginDelay),
    'UTF8 USER', // RFC 6856 section 2
    'LANG',
    // USER and SASL are hidden while a log-on would be refused in clear text. RFC 2595 section 2.3
    ...(policy.logon === 'yes' ? ['USER'] : []),
    ...(policy.mechanisms.length > 0 ? [`SASL ${policy.mechanisms.join(' ')}`] : []),
    // STLS is announced only where it is allowed. RFC 2595 section 4
    ...(state.name === 'authorization' && connection.canStartTls ? ['STLS'] : []),
    'IMPLEMENTATION Sealpost',
  ]
}

const DAY_MS = 86_400_000
const SECOND_MS = 1_000

/**
 * Returns how long messages stay at least, in days, by the rules that delete them. Left out if they are deleted by number or
 * size, or because the store is full, which may happen at any time. RFC 2449 section 6.7.
 */
function expiry({ retention, dropsOldest }: Pick<ServerContext, 'retention' | 'dropsOldest'>): string[] {
  if (dropsOldest) return []
  const limits = limitsOf(retention, 'INBOX')
  if (limits.some(({ count, size }) => count !== undefined || size !== undefined)) return []
  const ages = limits.flatMap(({ age }) => (age === undefined ? [] : [age]))
  return [ages.length === 0 ? 'EXPIRE NEVER' : `EXPIRE ${Math.floor(Math.min(...ages) / DAY_MS)}`]
}

/** Returns the time between two log-ons, in seconds. RFC 2449 section 6.5. */
const loginDelay = (delayMs: number | undefined): string[] =>
  delayMs === undefined ? [] : [`LOGIN-DELAY ${Math.ceil(delayMs / SECOND_MS)}`]

/** STLS: starts TLS and discards the name that USER gave. RFC 2595 section 4. */
export const stls = inAuthorization({
  name: 'STLS',
  run(session): Pop3Reply {
    const { connection } = session
    if (connection.tls) throw new Pop3Error('TLS is already active.')
    if (!connection.canStartTls) throw new Pop3Error('TLS is not available: no certificate is assigned.')
    return {
      text: 'Begin TLS negotiation now.',
      async afterwards() {
        await connection.startTls()
        session.state = { name: 'authorization' }
        session.isUtf8 = false
      },
    }
  },
})

/** NOOP. RFC 1939 section 5. */
export const noop = inTransaction({ name: 'NOOP', run: () => 'NOOP completed' })

/** QUIT: at the end of a transaction, removes the messages marked as deleted. RFC 1939 sections 4 and 6. */
export const quit = inAnyState({
  name: 'QUIT',
  async run(session) {
    session.quit()
    if (session.state.name === 'authorization') return 'bye'
    const { maildrop } = session.state
    try {
      const removed = await maildrop.update()
      return removed === 0 ? 'bye' : `bye, ${removed} ${removed === 1 ? 'message' : 'messages'} removed`
    } catch (error) {
      if (error instanceof Pop3Error) throw error
      session.context.log.error({ session: session.connection.record.id, err: error }, 'pop3: UPDATE failed')
      throw new Pop3Error('Some deleted messages were not removed.', 'SYS/TEMP', { cause: error })
    }
  },
})
