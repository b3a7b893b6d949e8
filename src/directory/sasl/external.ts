import { challenge, failure, mayActAs, outcome, type SaslMechanism } from './types.ts'

/** EXTERNAL: the account that the client's certificate names. RFC 4422 appendix A. */
export const external: SaslMechanism = {
  name: 'EXTERNAL',
  needs: 'certificate',
  start: (context) => ({
    next(response) {
      if (response === undefined) return challenge()
      const { directory, externalIdentity } = context
      if (externalIdentity === undefined) return failure('no client certificate names an account')
      const account = directory.find(externalIdentity)
      const allowed = mayActAs(context, account, response.toString('utf8'))
      return allowed ? outcome(account) : failure('the client certificate names another account')
    },
  }),
}
