import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import type { AuditTarget, Client } from '../../../src/testing/index.ts'
import { examine } from './examine.ts'

/** The mistakes of a client. Without any of these it is careful. */
export interface Leaks {
  /** Sends everything in clear text, although STARTTLS is announced. */
  readonly beforeTls?: true
  /** Continues in clear text if STARTTLS is not announced, is refused, or the handshake fails. */
  readonly fallsBack?: true
  /** Accepts every certificate. */
  readonly acceptsAnyCertificate?: true
  /** Verifies the chain, but not the host name. */
  readonly ignoresHostName?: true
  /** Sends its log-on, and verifies the certificate after that. */
  readonly verifiesLate?: true
  /** With a bad server: sends the whole session without waiting for replies, resets the connection and throws. */
  readonly throwsAfterwards?: true
  /** Resolves although it refused the server. */
  readonly hidesFailure?: true
}

interface Dialog {
  /** The last line of a reply. */
  readonly last: RegExp
  /** The last line of a positive reply. */
  readonly ok: RegExp
  /** Lists the features of the server; the reply to it ends with `listed`. */
  readonly features: string
  readonly listed: RegExp
  readonly startTls: string
  /** The private part of the session, up to the farewell. */
  /** The last line of the greeting. Default: any. */
  readonly greeting?: RegExp
  /** The server greets again under TLS. */
  readonly greetsAgain?: true
  readonly session: (user: string, password: string) => readonly string[]
}

const plain = (user: string, password: string): string => Buffer.from(`\0${user}\0${password}`).toString('base64')

const mailSession: Dialog['session'] = (user, password) => [
  ...[`AUTH PLAIN ${plain(user, password)}`, 'MAIL FROM:<a@lab.test>', `RCPT TO:<${user}@lab.test>`, 'DATA'],
  ...['Subject: private\r\n\r\nhello\r\n.', 'QUIT'],
]

const dialogs: Readonly<Record<Exclude<AuditTarget['protocol'], 'http'>, Dialog>> = {
  smtp: {
    ...{ last: /^\d{3} /, ok: /^[23]/, features: 'EHLO client.test', listed: /^\d{3} /, startTls: 'STARTTLS' },
    session: mailSession,
  },
  lmtp: {
    ...{ last: /^\d{3} /, ok: /^[23]/, features: 'LHLO client.test', listed: /^\d{3} /, startTls: 'STARTTLS' },
    session: mailSession,
  },
  managesieve: {
    ...{ last: /^(?:OK|NO|BYE)/, ok: /^OK/, features: 'CAPABILITY', listed: /^(?:OK|NO)/, startTls: 'STARTTLS' },
    ...{ greeting: /^(?:OK|BYE)/, greetsAgain: true },
    session: (user, password) => [`AUTHENTICATE "PLAIN" "${plain(user, password)}"`, 'LISTSCRIPTS', 'LOGOUT'],
  },
  pop3: {
    ...{ last: /^[+-]/, ok: /^\+/, features: 'CAPA', listed: /^(?:\.$|-)/, startTls: 'STLS' },
    session: (user, password) => [`USER ${user}`, `PASS ${password}`, 'STAT', 'QUIT'],
  },
  imap4: {
    ...{ last: /^A\d+ /, ok: /^A\d+ OK/, features: 'A1 CAPABILITY', listed: /^A1 /, startTls: 'A2 STARTTLS' },
    session: (user, password) => [`A3 LOGIN ${user} ${password}`, 'A4 SELECT INBOX', 'A5 LOGOUT'],
  },
  nntp: {
    ...{ last: /^\d{3}/, ok: /^[23]/, features: 'CAPABILITIES', listed: /^(?:\.$|[45])/, startTls: 'STARTTLS' },
    session: (user, password) => [`AUTHINFO USER ${user}`, `AUTHINFO PASS ${password}`, 'GROUP lab.general', 'QUIT'],
  },
}

/** Reads replies from a socket, and rejects when it ends or the client is aborted. */
class Wire {
  readonly socket: Socket
  #text = ''
  #wake: () => void = () => {}
  #ended: Error | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the connection is closed')))
  }

  /** Whether something has arrived that nobody has read. */
  get holdsText(): boolean {
    return this.#text !== ''
  }

  send(line: string): void {
    this.socket.write(`${line}\r\n`)
  }

  /** Reads lines up to one that matches. */
  async reply(last: RegExp): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end === -1) {
        if (this.#ended) throw this.#ended
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const line = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 2)
      lines.push(line)
      if (last.test(line)) return lines
    }
  }

  /** Stops reading, so that TLS can take over. */
  release(): Socket {
    this.socket.removeAllListeners('data')
    return this.socket
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#wake()
  }
}

/** Creates a client for all protocols but HTTP that has some leaks, or none. */
export const leakyClient =
  (leaks: Leaks): Client =>
  async (target, signal) => {
    const session = new Session(target, leaks)
    signal.addEventListener('abort', () => session.close())
    try {
      await session.run()
    } catch (error) {
      if (!leaks.hidesFailure) throw error
    } finally {
      session.close()
    }
  }

class Session {
  readonly #target: AuditTarget
  readonly #leaks: Leaks
  readonly #dialog: Dialog
  readonly #sockets: Socket[] = []

  constructor(target: AuditTarget, leaks: Leaks) {
    this.#target = target
    this.#leaks = leaks
    this.#dialog = dialogs[target.protocol as keyof typeof dialogs]
  }

  close(): void {
    // TLS before the socket below it: the other order crashes Node.js 20 (segmentation fault).
    for (const socket of this.#sockets.toReversed()) socket.destroy()
  }

  async run(): Promise<void> {
    if (this.#target.form === 'implicit') return this.#talk(await this.#overTls(await this.#open()), true)
    try {
      await this.#startTls()
    } catch (error) {
      if (!this.#leaks.fallsBack) throw error
      await this.#talk(new Wire(await this.#open()), true)
    }
  }

  async #startTls(): Promise<void> {
    const { last, features, listed, startTls, ok, greeting: whole = /./, greetsAgain = false } = this.#dialog
    const wire = new Wire(await this.#open())
    const [greeting = ''] = await wire.reply(whole)
    if (this.#leaks.beforeTls) return this.#talk(wire, false)
    // Nothing protects a session that a stranger claims to be logged on. RFC 9051 section 7.1.4
    if (/^\* PREAUTH/.test(greeting)) throw new Error('PREAUTH in clear text')
    wire.send(features)
    const announced = (await wire.reply(listed)).some((line) => /\b(?:STARTTLS|STLS)\b/.test(line))
    if (!announced) throw new Error('STARTTLS is not announced')
    wire.send(startTls)
    const [answer = ''] = await wire.reply(last)
    if (!ok.test(answer)) throw new Error(answer)
    // Replies that precede TLS come from anybody (CVE-2011-0411).
    if (wire.holdsText) throw new Error('more text in clear behind the reply to STARTTLS')
    await this.#talk(await this.#overTls(wire.release()), greetsAgain)
  }

  async #open(): Promise<Socket> {
    const socket = connect({ host: this.#target.address, port: this.#target.port, noDelay: true })
    this.#sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }

  async #overTls(socket: Socket): Promise<Wire> {
    const { acceptsAnyCertificate, ignoresHostName, verifiesLate } = this.#leaks
    const { ca, hostname } = this.#target
    const secure = connectTls({
      ...{ socket, ca, servername: hostname, requestOCSP: true },
      rejectUnauthorized: !acceptsAnyCertificate && !verifiesLate,
      ...(ignoresHostName ? { checkServerIdentity: () => undefined } : {}),
    })
    this.#sockets.push(secure)
    let staple: Buffer | undefined
    secure.on('OCSPResponse', (response: Buffer | null) => {
      staple = response ?? undefined
    })
    await once(secure, 'secureConnect')
    const isCareful = !acceptsAnyCertificate && !ignoresHostName && !verifiesLate
    if (isCareful) await examine(secure, ca, staple)
    return new Wire(secure)
  }

  /** Performs the session. @param greets whether the server's greeting is still to come */
  async #talk(wire: Wire, greets: boolean): Promise<void> {
    const { last, ok, features, listed, session, greeting = /./ } = this.#dialog
    const { user, password } = this.#target
    if (this.#leaks.throwsAfterwards && this.#target.expectation !== 'accept') {
      for (const line of [features, ...session(user, password)]) wire.send(line)
      // The next turn of the event loop: the octets are on their way, and the replies unread.
      await new Promise((resolve) => setImmediate(resolve))
      wire.socket.destroy()
      throw new Error('something unrelated')
    }
    if (greets) await wire.reply(greeting)
    wire.send(features)
    await wire.reply(listed)
    for (const line of session(user, password)) {
      wire.send(line)
      const answer = (await wire.reply(last)).at(-1) ?? ''
      if (!ok.test(answer)) throw new Error(answer)
      if (this.#leaks.verifiesLate) this.#verifyNow(wire.socket)
    }
  }

  #verifyNow(socket: Socket): void {
    const { authorized, authorizationError } = socket as TLSSocket
    const error = authorized
      ? checkServerIdentity(this.#target.hostname, (socket as TLSSocket).getPeerCertificate())
      : authorizationError
    if (error) throw new Error(String(error))
  }
}
