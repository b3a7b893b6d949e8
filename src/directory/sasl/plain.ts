import { saslprep } from './saslprep.ts'
import { challenge, failure, mayActAs, outcome, type SaslMechanism } from './types.ts'

/** PLAIN: `authzid NUL authcid NUL password` in UTF-8. RFC 4616. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  needs: 'password',
  start: (context) => ({
    next(response) {
      if (response === undefined) return challenge()
      const parts = response.toString('utf8').split('\0')
      const [authzid, authcid, password] = parts
      // RFC 4616 section 2
      if (parts.length !== 3 || authzid === undefined || !authcid || !password)
        return failure('malformed PLAIN message')
      const name = saslprep(authcid)
      const secret = saslprep(password)
      if (name === undefined || secret === undefined) return failure('malformed PLAIN message')
      const account = context.directory.authenticate(name, secret)
      return mayActAs(context, account, authzid) ? outcome(account) : failure('not authorized to act as another')
    },
  }),
}
