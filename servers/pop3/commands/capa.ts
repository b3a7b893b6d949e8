import { inAnyState } from '../command.ts'
import type { Pop3Session } from '../session.ts'

/** CAPA: what can be had now. RFC 2449. */
export const capa = inAnyState({
  name: 'CAPA',
  run: (session) => ({ text: 'capabilities follow', lines: capabilities(session) }),
})

function capabilities({ policy, connection, state }: Pop3Session): string[] {
  return [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    'EXPIRE NEVER',
    // Neither is to be seen while a log-on would be refused for want of TLS. RFC 2595 section 2.1
    ...(policy.logon === 'yes' ? ['USER'] : []),
    ...(policy.mechanisms.length > 0 ? [`SASL ${policy.mechanisms.join(' ')}`] : []),
    // Only where STLS may come next. RFC 2595 section 4
    ...(state.name === 'authorization' && connection.canStartTls ? ['STLS'] : []),
    'IMPLEMENTATION Sealpost',
  ]
}
