import { personalities } from '../src/core/personality/index.ts'
import type { CommonFacts, Personality } from '../src/core/personality/types.ts'
import { formatDate } from '../src/mail/format/dates.ts'
import type { LogonSession } from './logon.ts'
import type { ServerContext } from './service.ts'

/** Returns the words that a virtual server uses instead of Sealpost's. */
export const personalityOf = ({ config }: Pick<ServerContext, 'config'>): Personality =>
  personalities[config.personality]

/** Returns the facts about a session that texts of every protocol can use. */
export function commonFacts(
  { connection, context, policy }: LogonSession,
  own: Pick<CommonFacts, 'name' | 'text' | 'isLoggedOn'>,
): CommonFacts {
  const now = context.clock.now()
  return {
    ...own,
    hostname: context.hostname,
    address: connection.remote.address.replace(/^::ffff:/i, ''),
    id: connection.record.id,
    seconds: Math.floor(now / 1000),
    date: formatDate(now),
    mechanisms: own.isLoggedOn ? [] : policy.mechanisms,
    offered: policy.mechanisms,
    canStartTls: connection.canStartTls,
    isSecure: connection.tls !== undefined,
    mayLogOn: policy.logon === 'yes',
  }
}
