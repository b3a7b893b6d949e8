import { restOfLine } from '../arguments.ts'
import { asLogon } from '../command.ts'
import { Pop3Error } from '../errors.ts'

/** PASS password, right behind USER. RFC 1939 section 7. */
export const pass = asLogon({
  name: 'PASS',
  parse: restOfLine,
  run(session, password, { user }) {
    if (user === undefined) throw new Pop3Error('USER comes first')
    return session.logOn(session.context.directory.authenticate(user, password))
  },
})
