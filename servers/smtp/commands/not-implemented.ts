import type { SmtpCommand } from '../command.ts'
import { SmtpError } from '../errors.ts'

/** Commands of the standards that this server knows, and does not do. RFC 5321 section 4.2.4; EXPN: section 7.3. */
export const notImplemented: readonly SmtpCommand[] = [
  'EXPN',
  'ETRN',
  'TURN',
  'ATRN',
  'SEND',
  'SOML',
  'SAML',
  'BURL',
].map((name) => ({
  name,
  run() {
    throw new SmtpError(502, '5.5.1', `${name} not implemented`)
  },
}))
