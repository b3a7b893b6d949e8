import type { Command } from './command.ts'
import { commands } from './commands/index.ts'
import { bad, ImapError, no } from './reply.ts'
import type { Session } from './session.ts'
import type { LiteralAhead } from './wire/command-reader.ts'

/** Literals of commands that take no messages. RFC 9051 section 4.3 lets a server refuse larger ones. */
const MAX_LITERAL_OCTETS = 64 * 1024
/** Of the largest messages, so many may come in one command: they are held until all are there. */
const MAX_MESSAGES_HELD = 4

/** @throws ImapError where there is no such command now */
export function commandOf(session: Session, name: string): Command {
  const command = commands.get(name)
  if (!command) throw bad(`unknown command ${name}`)
  if (!command.states.includes(session.state.name)) throw bad(`${name} may not be used in this state`)
  // RFC 9586 section 3
  if (command.byNumber && session.enabled.has('UIDONLY')) throw bad(`use UID ${name}`, 'UIDREQUIRED')
  return command
}

/** What keeps a literal from being taken, as far as that can be told from what stands in front of it. */
export async function literalRefusal(session: Session, ahead: LiteralAhead): Promise<ImapError | undefined> {
  try {
    const command = commandOf(session, ahead.name)
    command.check(session)
    checkSize(session, command, ahead)
  } catch (error) {
    return asRefusal(error)
  }
  return foreseen(session, ahead)
}

/** The refusal that the whole command would get. What cannot be read yet is left to the end. */
async function foreseen(session: Session, { name, cursor, octets }: LiteralAhead): Promise<ImapError | undefined> {
  try {
    await commandOf(session, name).foresee?.(cursor, session, octets)
    return undefined
  } catch (error) {
    const refusal = asRefusal(error)
    return refusal.status === 'NO' ? refusal : undefined
  }
}

function checkSize({ context }: Session, { takesMessages }: Command, { octets, before }: LiteralAhead): void {
  if (!takesMessages && octets > MAX_LITERAL_OCTETS) throw bad('literal too long', 'TOOBIG')
  const limit = context.config.limits.messageSize
  const isTooBig = takesMessages && (octets > limit || before + octets > limit * MAX_MESSAGES_HELD)
  if (isTooBig) throw no(`messages may have ${limit} octets`, 'TOOBIG') // RFC 7889 section 4
}

function asRefusal(error: unknown): ImapError {
  if (error instanceof ImapError) return error
  throw error
}
