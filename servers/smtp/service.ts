import type { ProtocolService, ServerContext } from '../service.ts'
import { SmtpEngine } from './engine.ts'
import { SmtpSession } from './session.ts'

const engines = new WeakMap<ServerContext, SmtpEngine>()

function engineOf(context: ServerContext): SmtpEngine {
  const known = engines.get(context)
  if (known) return known
  const engine = new SmtpEngine(context)
  engines.set(context, engine)
  return engine
}

/** SMTP. RFC 5321 with the extensions that `commands/ehlo.ts` announces. */
export const smtp: ProtocolService = {
  protocol: 'smtp',
  alpn: ['smtp', 'esmtp'],
  serve: (connection, context) => new SmtpSession(engineOf(context), connection).serve(),
  busy: ({ hostname }) => `421 4.3.2 ${hostname} too many connections, try again later`,
}
