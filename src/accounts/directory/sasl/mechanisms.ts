import { createHmac, randomBytes } from 'node:crypto'
import { provenSecret } from '../logon-refusal.ts'
import { saslprep } from '../saslprep/saslprep.ts'
import { isSameSecret } from '../secrets.ts'
import { digestMd5 } from './digest-md5.ts'
import {
  challenge,
  failure,
  proofFailure,
  proofResult,
  type SaslContext,
  type SaslExchange,
  type SaslMechanism,
} from './exchange.ts'
import { ntlm } from './ntlm/mechanism.ts'
import { oauthBearer, xoauth2 } from './oauth.ts'
import { scramMechanisms } from './scram/scram.ts'

/** PLAIN sends `authzid NUL authcid NUL password` in UTF-8. RFC 4616. */
const plain: SaslMechanism = {
  name: 'PLAIN',
  method: 'plain',
  needs: 'password',
  start: (context) => ({
    async next(response) {
      if (response === undefined) return challenge()
      const parts = response.toString('utf8').split('\0') // RFC 4616 section 2
      const [authzid, authcid, password] = parts
      if (parts.length !== 3 || authzid === undefined || !authcid || !password)
        return failure('malformed PLAIN message')
      const name = saslprep(authcid)
      if (name === undefined || saslprep(password) === undefined) return failure('malformed PLAIN message')
      const proof = await context.directory.checkPassword(name, password, context.isGone)
      return proof ? proofResult(context, proof, { authzid }) : proofFailure(name)
    },
  }),
}

/** RFC 4505 section 2, `message` and `token`. */
const TRACE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{0,255}$/u

/** ANONYMOUS: the client stays anonymous, and may say who it is in a text that nobody verifies. RFC 4505. */
const anonymous: SaslMechanism = {
  name: 'ANONYMOUS',
  method: 'sasl-anonymous',
  needs: 'anonymous',
  start: () => ({
    next(response) {
      if (response === undefined) return challenge()
      const trace = response.toString('utf8')
      return TRACE.test(trace)
        ? { kind: 'anonymous', note: `log-on by ANONYMOUS, trace text: ${JSON.stringify(trace)}` }
        : failure('malformed ANONYMOUS message')
    },
  }),
}

/** LOGIN asks for the name, then for the password. Outlook Express needs it. draft-murchison-sasl-login-00. */
const login: SaslMechanism = {
  name: 'LOGIN',
  method: 'login',
  needs: 'password',
  start(context) {
    let name: string | undefined
    let asked = false
    return {
      async next(response) {
        if (response === undefined && !asked) {
          asked = true
          return challenge('Username:')
        }
        if (name === undefined) {
          name = response?.toString('utf8') ?? ''
          return challenge('Password:')
        }
        if (response === undefined || name === '') return failure('malformed LOGIN message')
        const proof = await context.directory.checkPassword(name, response.toString('utf8'), context.isGone)
        return proof ? proofResult(context, proof) : proofFailure(name)
      },
    }
  },
}

/** CRAM-MD5 sends the name and the HMAC-MD5 of the challenge, keyed with the password. RFC 2195. */
const cramMd5: SaslMechanism = {
  name: 'CRAM-MD5',
  method: 'cram-md5',
  needs: 'clear',
  start(context) {
    const { directory } = context
    const question = `<${randomBytes(12).toString('hex')}.${Date.now()}@${directory.domain}>`
    let asked = false
    return {
      next(response) {
        if (!asked) {
          asked = true
          // The server speaks first, so an initial response is an error. RFC 4422 section 5
          return response === undefined ? challenge(question) : failure('CRAM-MD5 takes no initial response')
        }
        const text = response?.toString('utf8') ?? ''
        const space = text.lastIndexOf(' ')
        if (space < 1) return failure('malformed CRAM-MD5 response')
        const name = text.slice(0, space)
        const account = directory.find(name)
        const given = text.slice(space + 1).toLowerCase()
        const digest = (password: string): string => createHmac('md5', password).update(question).digest('hex')
        const secret = provenSecret(directory.secretsOf(account), (password) => isSameSecret(digest(password), given))
        return account && secret ? proofResult(context, { account, secret }) : proofFailure(name)
      },
    }
  },
}

/** EXTERNAL logs on as the account that the client certificate names. RFC 4422 appendix A. */
const external: SaslMechanism = {
  name: 'EXTERNAL',
  needs: 'certificate',
  start: (context) => ({
    next(response) {
      if (response === undefined) return challenge()
      const { directory, externalIdentity } = context
      if (externalIdentity === undefined) return failure('no client certificate names an account')
      const account = directory.find(externalIdentity)
      return account
        ? proofResult(context, { account }, { authzid: response.toString('utf8') })
        : proofFailure(externalIdentity)
    },
  }),
}

/** Every mechanism, in the order in which servers announce them. */
export const saslMechanisms: readonly SaslMechanism[] = [
  plain,
  login,
  cramMd5,
  digestMd5,
  ...scramMechanisms,
  ntlm,
  xoauth2,
  oauthBearer,
  external,
  anonymous,
]

/** Starts an exchange. The mechanism's name is case-insensitive. Returns undefined for an unknown mechanism. */
export function startSasl(mechanism: string, context: SaslContext): SaslExchange | undefined {
  return saslMechanisms.find(({ name }) => name === mechanism.toUpperCase())?.start(context)
}
