import { verbs } from '../../core/config/schema/fault-words.ts'
import type { FaultProtocol } from '../../core/config/schema/protocol.ts'

/** A client's command, as the function of a fault gets it. */
export interface FaultCommand {
  /** The whole line, without its line end and with the tag of IMAP4; '' before the greeting. */
  readonly line: string
  /** In capitals: `RCPT`, `UID FETCH`, `AUTHINFO PASS`. */
  readonly verb: string
  /** The text after the verb. */
  readonly argument: string
  /** On end-of-data: the message as the client sent it, without dot-stuffing. */
  readonly content?: Buffer
}

/** Splits a client's line into its parts. */
export function parseCommand(protocol: string, line: string): FaultCommand {
  const text = (protocol === 'imap4' ? line.replace(/^\s*\S+/, '') : line).trimStart()
  const [one = '', two = ''] = text.split(/\s+/, 2)
  const pair = `${one} ${two}`.toUpperCase()
  const after = text.slice(one.length).trimStart()
  return verbs[protocol as FaultProtocol]?.includes(pair)
    ? { line, verb: pair, argument: after.slice(two.length).trimStart() }
    : { line, verb: one.toUpperCase(), argument: after }
}
