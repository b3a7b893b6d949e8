import { type LogonRefusal, refusalTexts } from '../../../src/accounts/directory/logon-refusal.ts'
import type { Account } from '../../../src/accounts/directory/types.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes } from '../../../src/storage/store/mailboxes.ts'
import {
  authenticatePassword,
  authenticateSasl,
  checkLogon,
  checkSasl,
  completeLogon,
  type LogonErrors,
} from '../../logon.ts'
import { defineCommand } from '../command.ts'
import { capabilitiesOf } from '../personality.ts'
import { checkLoginReferral } from '../referrals.ts'
import { bad, type CommandResult, no, ok } from '../reply.ts'
import { type ImapSession, notAuthenticated } from '../state.ts'
import { utf8Text } from '../wire/text.ts'

/** The errors of refused log-ons. RFC 5530 section 3. */
const logonErrors: LogonErrors = {
  needsTls: () => no('A secure channel is required. Use STARTTLS first.', 'PRIVACYREQUIRED'),
  notOffered: () => no('Logon is not offered on this virtual server.', 'CONTACTADMIN'),
  unknownMechanism: () => no('The mechanism is not offered.', 'CANNOT'),
  cancelled: () => bad('Authentication cancelled.'), // RFC 9051 section 6.2.2
  malformed: () => bad('Invalid base64 in the response.'),
  failed: (reason) => no(`Logon failure: ${reason}.`, 'AUTHENTICATIONFAILED'),
  refused: (why) => no(`Logon failure: ${refusalTexts[why]}.`, refusalCodes[why]),
}

/** RFC 5530 section 3. Google answers with an ALERT, so that the user reads it. */
const refusalCodes: Readonly<Record<LogonRefusal, string>> = {
  locked: 'CONTACTADMIN',
  disabled: 'CONTACTADMIN',
  'password-expired': 'EXPIRED',
  'must-change-password': 'EXPIRED',
  'application-password-required': 'ALERT',
  'basic-authentication': 'AUTHENTICATIONFAILED',
  'smtp-auth-disabled': 'AUTHENTICATIONFAILED',
  'security-defaults': 'AUTHENTICATIONFAILED',
  'not-authorized': 'AUTHORIZATIONFAILED',
}

/** LOGIN name password. RFC 9051 section 6.2.3. */
export const login = defineCommand({
  name: 'LOGIN',
  usage: 'LOGIN name password',
  states: notAuthenticated,
  check: (session) => checkLogon(session, logonErrors),
  parse(cursor) {
    cursor.space()
    const name = cursor.astring()
    cursor.space()
    return { name: utf8Text(name), password: utf8Text(cursor.astring()) }
  },
  async run(session, _state, { name, password }) {
    if (name === undefined || password === undefined) throw bad('Name and password must be UTF-8.')
    return logOn(session, await authenticatePassword(session, { name, password }, logonErrors))
  },
})

/** A base64 initial response, or `=` for an empty one. RFC 4959 section 3. */
const INITIAL_RESPONSE = /[A-Za-z0-9+/=]+/y

/** AUTHENTICATE mechanism [initial-response]. RFC 9051 section 6.2.2; RFC 4959. */
export const authenticate = defineCommand({
  name: 'AUTHENTICATE',
  usage: 'AUTHENTICATE mechanism [initial-response]',
  states: notAuthenticated,
  check: (session) => checkSasl(session, logonErrors),
  parse(cursor) {
    cursor.space()
    const mechanism = cursor.keyword()
    return { mechanism, initial: cursor.take(' ') ? (cursor.match(INITIAL_RESPONSE) ?? '') : undefined }
  },
  async run(session, _state, command) {
    const { account } = await authenticateSasl(session, command, { challengePrefix: '+' }, logonErrors)
    return logOn(session, account)
  },
})

async function logOn(session: ImapSession, found: Account): Promise<CommandResult> {
  checkLoginReferral(found)
  const { store } = session.context
  const account = await completeLogon(session, found, ({ user }) => ensureMailboxes(store, accountOwner(user)))
  session.enter({ name: 'authenticated', identity: { account, owner: accountOwner(account.user) } })
  return announceCapabilities(session)
}

/** Returns the result of a log-on, with the capabilities in the place where the virtual server's personality lists them. */
function announceCapabilities(session: ImapSession): CommandResult {
  const { afterLogOn = 'code' } = session.words ?? {}
  const code = `CAPABILITY ${capabilitiesOf(session)}`
  if (afterLogOn === 'untagged') session.send(`* ${code}\r\n`)
  return ok(afterLogOn === 'code' ? code : undefined)
}
