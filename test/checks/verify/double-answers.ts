import type { TlsOptions } from 'node:tls'
import type { Protocol } from '../../../src/core/config/schema.ts'

/** The faults of a test double. Default: none. */
export interface Faults {
  /** The behaviour at STARTTLS. Default: it works. */
  readonly startTls?: 'absent' | 'refused' | 'garbage' | 'closes'
  /** TLS from the first octet; `clear`: the port should use TLS but does not. */
  readonly implicitTls?: boolean | 'clear'
  /** TLS versions and suites. */
  readonly tls?: TlsOptions
  /** How often a client can renegotiate. Default: never. */
  readonly renegotiations?: number
  /** The OCSP response to staple. */
  readonly ocsp?: Buffer
  /** Log-on in clear text: accepted without an announcement, or also announced. */
  readonly clearLogOn?: 'accepted' | 'announced'
  /** Refuses MAIL in clear text. */
  readonly secureChannel?: boolean
  /** Answers under TLS the commands sent in clear text behind STARTTLS. CVE-2011-0411 */
  readonly injectable?: boolean
  /** Keeps the state from before TLS. */
  readonly keepsState?: boolean
  /** Announces and accepts STARTTLS under TLS. */
  readonly secondStartTls?: boolean
  readonly greeting?: string
  /** The greeting of the first sessions: the server has too many. */
  readonly busy?: { readonly greeting: string; readonly sessions: number }
}

/** The state of a double's session: whether TLS is on, and the client's sender, user or newsgroup. */
export interface DoubleState {
  readonly underTls: boolean
  chosen: string | undefined
}

type Answer = string | { readonly ready: string }

export interface Answers {
  readonly greeting: string
  readonly answer: (line: string, state: DoubleState, faults: Faults) => Answer
}

const offersTls = ({ underTls }: DoubleState, { startTls, secondStartTls }: Faults): boolean =>
  startTls !== 'absent' && (!underTls || secondStartTls === true)
const announcesLogOn = ({ underTls }: DoubleState, { clearLogOn }: Faults): boolean =>
  underTls || clearLogOn === 'announced'
const acceptsLogOn = ({ underTls }: DoubleState, { clearLogOn }: Faults): boolean =>
  underTls || clearLogOn !== undefined

/** Answers STARTTLS: with `ready` if it is offered and not refused. */
const startTls = (state: DoubleState, faults: Faults, ready: string, refused: string): Answer =>
  offersTls(state, faults) && faults.startTls !== 'refused' ? { ready } : refused

const smtp: Answers = {
  greeting: '220 double ESMTP',
  answer(line, state, faults) {
    const verb = line.split(' ')[0]?.toUpperCase()
    if (verb === 'EHLO') {
      const tls = offersTls(state, faults) ? '250-STARTTLS\r\n' : ''
      const auth = announcesLogOn(state, faults) ? '250-AUTH PLAIN LOGIN\r\n' : ''
      return `250-double\r\n${tls}${auth}250 8BITMIME`
    }
    if (verb === 'STARTTLS') return startTls(state, faults, '220 go', '454 4.7.0 TLS not available')
    if (verb === 'AUTH')
      return acceptsLogOn(state, faults) ? '535 5.7.8 no' : '530 5.7.0 Must issue a STARTTLS command first'
    if (verb === 'MAIL') {
      if (faults.secureChannel && !state.underTls) return '530 5.7.0 Must issue a STARTTLS command first'
      state.chosen = line
      return '250 ok'
    }
    if (verb === 'RCPT') return state.chosen ? '250 ok' : '503 MAIL first'
    return verb === 'QUIT' ? '221 bye' : '500 what?'
  },
}

const pop3: Answers = {
  greeting: '+OK double',
  answer(line, state, faults) {
    const verb = line.split(' ')[0]?.toUpperCase()
    if (verb === 'CAPA') {
      const tls = offersTls(state, faults) ? 'STLS\r\n' : ''
      const auth = announcesLogOn(state, faults) ? 'USER\r\nSASL PLAIN\r\n' : ''
      return `+OK\r\n${tls}${auth}TOP\r\n.`
    }
    if (verb === 'STLS') return startTls(state, faults, '+OK go', '-ERR no')
    if (verb === 'USER') {
      if (!acceptsLogOn(state, faults)) return '-ERR STLS first'
      state.chosen = line
      return '+OK'
    }
    if (verb === 'PASS') return state.chosen ? '+OK logged on' : '-ERR USER first'
    return verb === 'QUIT' ? '+OK' : '-ERR what?'
  },
}

const imap4: Answers = {
  greeting: '* OK double',
  answer(line, state, faults) {
    const [tag = '*', verb = ''] = line.split(' ')
    const command = verb.toUpperCase()
    if (command === 'CAPABILITY') {
      const tls = offersTls(state, faults) ? ' STARTTLS' : ''
      const auth = announcesLogOn(state, faults) ? ' AUTH=PLAIN' : ' LOGINDISABLED'
      return `* CAPABILITY IMAP4rev1${tls}${auth}\r\n${tag} OK done`
    }
    if (command === 'STARTTLS') return startTls(state, faults, `${tag} OK go`, `${tag} NO`)
    if (command === 'LOGIN') {
      return acceptsLogOn(state, faults) ? `${tag} NO [AUTHENTICATIONFAILED] no` : `${tag} NO [PRIVACYREQUIRED] no`
    }
    if (command === 'NOOP') return `${tag} OK done`
    return `${tag} BAD what?`
  },
}

const nntp: Answers = {
  greeting: '200 double',
  answer(line, state, faults) {
    const verb = line.split(' ')[0]?.toUpperCase()
    if (verb === 'CAPABILITIES') {
      const tls = offersTls(state, faults) ? 'STARTTLS\r\n' : ''
      const auth = announcesLogOn(state, faults) ? 'AUTHINFO USER\r\n' : ''
      return `101\r\nVERSION 2\r\nREADER\r\n${tls}${auth}.`
    }
    if (verb === 'STARTTLS') return startTls(state, faults, '382 go', '580 no')
    if (verb === 'AUTHINFO') return acceptsLogOn(state, faults) ? '381 password' : '483 STARTTLS first'
    if (verb === 'LIST') return '215\r\ndouble.general 1 1 y\r\n.'
    if (verb === 'GROUP') {
      state.chosen = line
      return '211 1 1 1 double.general'
    }
    if (verb === 'STAT') return state.chosen ? '223 1 <a@b>' : '412 no group'
    return verb === 'QUIT' ? '205' : '500 what?'
  },
}

export const answers: Readonly<Record<Protocol, Answers>> = { smtp, pop3, imap4, nntp }
