import { createHmac, randomBytes } from 'node:crypto'
import { sameSecret } from '../compare.ts'
import { challenge, failure, outcome, type SaslMechanism } from './types.ts'

/** CRAM-MD5: the name, and HMAC-MD5 of the challenge under the password. RFC 2195. */
export const cramMd5: SaslMechanism = {
  name: 'CRAM-MD5',
  needs: 'clear-password',
  start({ directory }) {
    const question = `<${randomBytes(12).toString('hex')}.${Date.now()}@${directory.domain}>`
    let asked = false
    return {
      next(response) {
        if (!asked) {
          asked = true
          // The server speaks first: an initial response is a mistake. RFC 4422 section 5.
          return response === undefined ? challenge(question) : failure('CRAM-MD5 takes no initial response')
        }
        const text = response?.toString('utf8') ?? ''
        const space = text.lastIndexOf(' ')
        if (space < 1) return failure('malformed CRAM-MD5 response')
        const account = directory.find(text.slice(0, space))
        const proof = createHmac('md5', account?.password ?? '')
          .update(question)
          .digest('hex')
        const right = sameSecret(proof, text.slice(space + 1).toLowerCase())
        return outcome(right && account?.password !== undefined ? account : undefined)
      },
    }
  },
}
