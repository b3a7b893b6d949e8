import { challenge, failure, outcome, type SaslMechanism } from './types.ts'

/** LOGIN: name and password one after the other, as Outlook Express and its like send them. draft-murchison-sasl-login-00. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  needs: 'password',
  start({ directory }) {
    let name: string | undefined
    let asked = false
    return {
      next(response) {
        if (response === undefined && !asked) {
          asked = true
          return challenge('Username:')
        }
        if (name === undefined) {
          name = response?.toString('utf8') ?? ''
          return challenge('Password:')
        }
        if (response === undefined || name === '') return failure('malformed LOGIN message')
        return outcome(directory.authenticate(name, response.toString('utf8')))
      },
    }
  },
}
