import type { Account } from '../../src/accounts/directory/types.ts'
import type { Pop3Personality } from '../../src/core/personality/types.ts'
import type { LogonSession } from '../logon.ts'
import type { Maildrop } from './maildrop.ts'
import { Pop3Error, type Pop3Reply } from './reply.ts'

interface AuthorizationState {
  readonly name: 'authorization'
  /** The name that USER gave. Every attempt to log on discards it. */
  readonly user?: string
}

/** The states of RFC 1939 section 3. QUIT carries out the UPDATE state at the end of a transaction. */
export type Pop3State = AuthorizationState | { readonly name: 'transaction'; readonly maildrop: Maildrop }

/** The session's interface for commands. */
export interface Pop3Session extends LogonSession {
  /** The words that the virtual server uses instead of its own. */
  readonly words: Pop3Personality | undefined
  /** The greeting's timestamp, if APOP is offered. RFC 1939 section 7, APOP. */
  readonly timestamp: string | undefined
  state: Pop3State
  /** Whether the client takes UTF-8 in headers: after the command UTF8. RFC 6856 section 2.1. */
  isUtf8: boolean
  /** Opens the account's maildrop and enters the TRANSACTION state. Returns the reply's text. @throws Pop3Error `IN-USE` */
  logOn(account: Account): Promise<string>
  /** Ends the session once the reply is sent. */
  quit(): void
}

type Reply = Pop3Reply | Promise<Pop3Reply>

/** A row of the command table. */
export interface Pop3Command {
  readonly name: string
  /** Runs the command. @throws Pop3Error: the `-ERR` reply */
  run(session: Pop3Session, argument: string): Reply
}

interface Definition<T> {
  readonly name: string
  /** Default: the command takes no argument. */
  readonly parse?: Parse<T>
}

const wrongState = (): Pop3Error => new Pop3Error('Command is not valid in this state.')

/** Defines a command of the AUTHORIZATION state. */
export function inAuthorization<T = void>(
  definition: Definition<T> & {
    /** Checks the session before the argument is parsed. @throws Pop3Error */
    check?(session: Pop3Session): void
    run(session: Pop3Session, argument: T, state: AuthorizationState): Reply
  },
): Pop3Command {
  const parse = (definition.parse ?? noArgument) as Parse<T>
  return {
    name: definition.name,
    run(session, argument) {
      const { state } = session
      if (state.name !== 'authorization') throw wrongState()
      definition.check?.(session)
      return definition.run(session, parse(argument), state)
    },
  }
}

/** Defines a command of the TRANSACTION state. */
export function inTransaction<T = void>(
  definition: Definition<T> & { run(maildrop: Maildrop, argument: T, session: Pop3Session): Reply },
): Pop3Command {
  const parse = (definition.parse ?? noArgument) as Parse<T>
  return {
    name: definition.name,
    run(session, argument) {
      const { state } = session
      if (state.name !== 'transaction') throw wrongState()
      return definition.run(state.maildrop, parse(argument), session)
    },
  }
}

/** Defines a command that every state allows. */
export function inAnyState<T = void>(
  definition: Definition<T> & { run(session: Pop3Session, argument: T): Reply },
): Pop3Command {
  const parse = (definition.parse ?? noArgument) as Parse<T>
  return { name: definition.name, run: (session, argument) => definition.run(session, parse(argument)) }
}

/** Parses everything after a command's name before the command has any effect. @throws Pop3Error */
type Parse<T> = (argument: string) => T

/** Checks that there is no argument. */
const noArgument: Parse<void> = (argument) => {
  if (argument !== '') throw new Pop3Error('This command takes no arguments.')
}

/** Takes the whole rest of the line, because names and passwords may contain spaces. RFC 1939 section 7, PASS. */
export const restOfLine: Parse<string> = (argument) => {
  if (argument === '') throw new Pop3Error('Missing argument.')
  return argument
}

/** Takes from `min` to `max` words separated by single spaces. */
export const wordsBetween =
  (min: number, max: number): Parse<readonly string[]> =>
  (argument) => {
    const found = argument === '' ? [] : argument.split(' ')
    if (found.length < min || found.length > max || found.includes(''))
      throw new Pop3Error('Wrong number of arguments.')
    return found
  }

export const messageNumber: Parse<number> = (argument) => number(wordsBetween(1, 1)(argument)[0])

export const optionalMessageNumber: Parse<number | undefined> = (argument) =>
  argument === '' ? undefined : messageNumber(argument)

export const messageAndLines: Parse<{ readonly message: number; readonly lines: number }> = (argument) => {
  const [message, lines] = wordsBetween(2, 2)(argument)
  return { message: number(message), lines: number(lines) }
}

const NUMBER = /^\d{1,10}$/

function number(word = ''): number {
  if (!NUMBER.test(word)) throw new Pop3Error('Invalid number.')
  return Number(word)
}
