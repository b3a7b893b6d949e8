import { defineCommand } from '../command.ts'
import { NntpError, privacyRequired, syntaxError } from '../reply.ts'
import type { NntpSession } from '../session.ts'

/** @throws NntpError 502 where no log-on is to be had any more */
export function checkNotLoggedOn({ account, connection }: NntpSession): void {
  if (account) throw new NntpError(502, 'logged on already') // RFC 4643 section 2.2
  if (connection.compressed) throw new NntpError(502, 'no log-on under compression') // RFC 8054 section 2.2.2
}

/** Whether a log-on by password may be tried now; asked before the password is looked at. @throws NntpError 502, 483 */
export function checkLogon(session: NntpSession): void {
  checkNotLoggedOn(session)
  const { logon } = session.policy
  if (logon === 'needs-tls') throw privacyRequired()
  if (logon === 'no') throw new NntpError(502, 'log-on is not offered on this virtual server')
}

/** A name or password as sent, spaces included. RFC 4643 section 2.3.2. */
const afterTwoWords = (session: NntpSession): string => session.line.replace(/^\s*\S+\s+\S+[ \t]/, '')

/** AUTHINFO USER name. RFC 4643 section 2.3. */
export const authinfoUser = defineCommand({
  name: 'AUTHINFO USER',
  syntax: 'name',
  args: [1, 32],
  run(session) {
    checkLogon(session)
    session.claimedUser = afterTwoWords(session)
    session.reply(381, 'password required')
  },
})

/** AUTHINFO PASS password. RFC 4643 section 2.3. */
export const authinfoPass = defineCommand({
  name: 'AUTHINFO PASS',
  syntax: 'password',
  args: [1, 32],
  run(session) {
    checkLogon(session)
    const { claimedUser, context } = session
    if (claimedUser === undefined) throw new NntpError(482, 'AUTHINFO USER comes first')
    session.claimedUser = undefined
    const account = context.directory.authenticate(claimedUser, afterTwoWords(session))
    if (!account) throw new NntpError(481, 'log-on failed: unknown user name or bad password')
    session.logOn(account)
    session.reply(281, `logged on as ${account.user}`)
  },
})

/** AUTHINFO GENERIC (NTLM and the like): not offered, which is what 501 tells the clients that try it. RFC 2980 section 3.1.3. */
export const authinfoGeneric = defineCommand({
  name: 'AUTHINFO GENERIC',
  args: [0, 32],
  run() {
    throw syntaxError('AUTHINFO GENERIC is not offered; use AUTHINFO USER or SASL')
  },
})
