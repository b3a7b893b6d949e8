import { addressListOf } from '../../../src/core/network/address-list.ts'
import { admit } from '../../logon.ts'
import { claimedAddress, readClaims, XCLIENT_ATTRIBUTES, XFORWARD_ATTRIBUTES } from '../client-claims.ts'
import type { SmtpCommand, SmtpSession } from '../command.ts'
import { badSequence, notRecognized, SmtpError } from '../reply.ts'
import { logonErrors } from './logon.ts'

/** Returns whether the client is a proxy or a mail server that the configuration believes. */
export function isListed({ connection, context }: SmtpSession): boolean {
  return addressListOf(context.config.xclient?.from ?? [])?.has(connection.remote.address) ?? false
}

/** The lines of EHLO that offer both commands to listed clients. */
export const forwardingExtensions: readonly string[] = [
  `XCLIENT ${XCLIENT_ATTRIBUTES.join(' ')}`,
  `XFORWARD ${XFORWARD_ATTRIBUTES.join(' ')}`,
]

function checkAllowed(session: SmtpSession, command: string): void {
  if (!session.context.config.xclient) throw notRecognized()
  if (!isListed(session)) throw new SmtpError(550, '5.7.0', `Error: ${command} is not allowed from your address`)
  if (session.transaction) throw badSequence(`Error: ${command} is not allowed during a mail transaction`)
}

/**
 * XCLIENT attribute=value…: from here on the session is that of the proxy's client, and begins again with the greeting.
 * Postfix's XCLIENT_README.
 */
export const xclient: SmtpCommand = {
  name: 'XCLIENT',
  async run(session, argument) {
    checkAllowed(session, 'XCLIENT')
    const claims = readClaims('XCLIENT', XCLIENT_ATTRIBUTES, argument, session.claims)
    const { LOGIN, HELO, PROTO, DESTADDR, DESTPORT } = claims
    await session.context.directory.refresh()
    const account = LOGIN === undefined ? undefined : session.context.directory.find(LOGIN)
    if (LOGIN !== undefined && !account) throw new SmtpError(535, '5.7.8', 'Authentication failed: unknown LOGIN')
    // The proxy has checked the password, but does not know the state of the account.
    if (account) await admit(session, { account }, logonErrors)
    session.forget()
    session.connection.logon.forgotten()
    const refusal = session.serve(claims)
    if (refusal !== undefined) throw new SmtpError(421, '4.7.0', `Error: ${refusal}`)
    if (DESTADDR ?? DESTPORT) {
      session.connection.record.note(`the client connected to ${DESTADDR ?? '?'} port ${DESTPORT ?? '?'}`)
    }
    if (HELO !== undefined) session.client = { name: HELO, extended: PROTO?.toUpperCase() !== 'SMTP' }
    if (account) await session.logOn(account)
    session.greet()
  },
}

/**
 * XFORWARD attribute=value…: who sent the next message to the mail server that forwards it. It is recorded in the session,
 * and changes neither rights nor limits. Postfix's XFORWARD_README.
 */
export const xforward: SmtpCommand = {
  name: 'XFORWARD',
  run(session, argument) {
    checkAllowed(session, 'XFORWARD')
    session.forwarded = readClaims('XFORWARD', XFORWARD_ATTRIBUTES, argument, session.forwarded)
    const client = claimedAddress(session.forwarded)
    const { remote, record } = session.connection
    if (client) record.forwarded(client, remote)
    session.reply(250, '2.0.0', 'OK')
  },
}
