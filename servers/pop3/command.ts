import { noArgument, type Parse } from './arguments.ts'
import { Pop3Error } from './errors.ts'
import type { Maildrop } from './maildrop.ts'
import type { Pop3Reply } from './reply.ts'
import type { AuthorizationState, Pop3Session } from './session.ts'

type Reply = Pop3Reply | Promise<Pop3Reply>

/** A row of the command table. @throws Pop3Error what is answered with `-ERR` */
export interface Pop3Command {
  readonly name: string
  run(session: Pop3Session, argument: string): Reply
}

interface Definition<T> {
  readonly name: string
  /** Absent: there is no argument. */
  readonly parse?: Parse<T>
}

const wrongState = (): Pop3Error => new Pop3Error('Command is not valid in this state.')

/** A command of the AUTHORIZATION state. */
export function inAuthorization<T = void>(
  definition: Definition<T> & { run(session: Pop3Session, argument: T, state: AuthorizationState): Reply },
): Pop3Command {
  const parse = (definition.parse ?? noArgument) as Parse<T>
  return {
    name: definition.name,
    run(session, argument) {
      const { state } = session
      if (state.name !== 'authorization') throw wrongState()
      return definition.run(session, parse(argument), state)
    },
  }
}

/** A log-on: refused for want of TLS before its argument is looked at. RFC 2595 section 2.1. */
export function asLogon<T = void>(
  definition: Definition<T> & { run(session: Pop3Session, argument: T, state: AuthorizationState): Reply },
): Pop3Command {
  const command = inAuthorization(definition)
  return {
    name: command.name,
    run(session, argument) {
      if (session.state.name === 'authorization') session.checkLogon(command.name)
      return command.run(session, argument)
    },
  }
}

/** A command of the TRANSACTION state. */
export function inTransaction<T = void>(
  definition: Definition<T> & { run(maildrop: Maildrop, argument: T): Reply },
): Pop3Command {
  const parse = (definition.parse ?? noArgument) as Parse<T>
  return {
    name: definition.name,
    run({ state }, argument) {
      if (state.name !== 'transaction') throw wrongState()
      return definition.run(state.maildrop, parse(argument))
    },
  }
}

/** A command of every state. */
export function inAnyState(definition: { name: string; run(session: Pop3Session): Reply }): Pop3Command {
  return {
    name: definition.name,
    run(session, argument) {
      noArgument(argument)
      return definition.run(session)
    },
  }
}
