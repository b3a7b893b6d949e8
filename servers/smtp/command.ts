import { SmtpError } from './errors.ts'
import type { SmtpSession } from './session.ts'

/** A row of the table of commands that are ours, not the engine's. @throws SmtpError what is answered */
export interface SmtpCommand {
  readonly name: string
  run(session: SmtpSession, argument: string): void | Promise<void>
}

/** For commands that take no argument. RFC 5321 section 4.1.1. */
export function noArgument(name: string, argument: string): void {
  if (argument !== '') throw new SmtpError(501, '5.5.4', `${name} takes no argument`)
}
