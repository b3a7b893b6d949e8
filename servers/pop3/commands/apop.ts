import { createHash } from 'node:crypto'
import { sameSecret } from '../../../src/directory/secrets.ts'
import { words } from '../arguments.ts'
import { asLogon } from '../command.ts'
import { Pop3Error } from '../errors.ts'

/** APOP name digest: MD5 over the greeting's timestamp and the password. RFC 1939 section 7. */
export const apop = asLogon({
  name: 'APOP',
  parse: words(2, 2),
  run(session, [name = '', digest = '']) {
    if (session.timestamp === undefined)
      throw new Pop3Error('APOP needs the timestamp of a greeting, and there was none')
    const account = session.context.directory.find(name)
    const expected = createHash('md5')
      .update(session.timestamp + (account?.password ?? ''))
      .digest('hex')
    const right = sameSecret(expected, digest.toLowerCase()) && account?.password !== undefined
    return session.logOn(right ? account : undefined)
  },
})
