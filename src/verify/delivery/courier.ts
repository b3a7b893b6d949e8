import type { Dialog, Reply } from '../dialog.ts'
import { VerifyError } from '../errors.ts'
import type { Credentials } from '../types.ts'
import type { ProbeMessage } from './message.ts'

/** How one protocol sends a message, or finds it again. */
export interface Courier {
  /** @param announced the capability lines under TLS. @throws VerifyError */
  readonly logOn: (dialog: Dialog, credentials: Credentials, announced: readonly string[]) => Promise<void>
  readonly send?: (dialog: Dialog, message: ProbeMessage, mailbox: string) => Promise<void>
  /** What there is of the message; undefined: it is not there (yet). @param remove whether it may go afterwards */
  readonly read?: (dialog: Dialog, message: ProbeMessage, remove: boolean) => Promise<string | undefined>
}

/** SASL PLAIN. RFC 4616 section 2. */
export const plain = ({ user, password }: Credentials): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64')

/** Sends a command that must be accepted. @throws VerifyError saying what was answered */
export async function must(dialog: Dialog, command: string, what: string = command): Promise<Reply> {
  return accepted(dialog, await dialog.command(command), what)
}

/** @throws VerifyError */
export function accepted(dialog: Dialog, reply: Reply, what: string): Reply {
  if (dialog.row.accepted.test(reply.status) || reply.code === '+') return reply
  throw new VerifyError(`${what} is answered ${reply.status}`)
}
