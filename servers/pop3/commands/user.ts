import { restOfLine } from '../arguments.ts'
import { asLogon } from '../command.ts'

/** USER name: any name is taken, so that nobody learns which exist. RFC 1939 section 7. */
export const user = asLogon({
  name: 'USER',
  parse: restOfLine,
  run(session, name) {
    session.state = { name: 'authorization', user: name }
    return 'send PASS'
  },
})
