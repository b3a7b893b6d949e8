import { challenge, failure, type SaslMechanism } from './exchange.ts'

/** RFC 4505 section 2, `message` and `token`. */
const TRACE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{0,255}$/u

/** ANONYMOUS: the client stays anonymous, and may say who it is in a text that nobody verifies. RFC 4505. */
export const anonymous: SaslMechanism = {
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
