import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import tls, { type TlsOptions } from 'node:tls'
import type { Protocol } from '../../src/config/schema.ts'
import type { Identity } from './authority.ts'
import { type Answers, answers, type DoubleState } from './double-answers.ts'

/** What a test double does wrong, as data; nothing: it is a server as it should be. */
export interface Faults {
  /** How STARTTLS goes; default: as it should. */
  readonly startTls?: 'absent' | 'refused' | 'garbage' | 'closes'
  /** TLS from the first octet; `clear`: the port should be so, and is not. */
  readonly implicitTls?: boolean | 'clear'
  /** Versions, suites, an OCSP response. */
  readonly tls?: TlsOptions
  readonly ocsp?: Buffer
  /** Log-on in clear: gone into, though it is not announced; or announced too. */
  readonly clearLogOn?: 'accepted' | 'announced'
  /** MAIL is refused in clear. */
  readonly secureChannel?: boolean
  /** Answers under TLS what came in clear in one segment with STARTTLS. CVE-2011-0411 */
  readonly injectable?: boolean
  /** Remembers under TLS what was said before. */
  readonly keepsState?: boolean
  /** Announces and takes STARTTLS under TLS. */
  readonly secondStartTls?: boolean
  readonly greeting?: string
}

export interface Double extends AsyncDisposable {
  readonly port: number
}

/** A server that says just enough to be verified, and errs as it is told. */
export async function startDouble(protocol: Protocol, identity: Identity, faults: Faults = {}): Promise<Double> {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    const session = new Session(answers[protocol], faults, identity)
    if (faults.implicitTls === true) session.wrap(socket, true)
    else session.serve(socket, true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function tlsServer({ key, cert }: Identity, { tls: options, ocsp }: Faults): tls.Server {
  const server = tls.createServer({ key, cert, ...options })
  server.on('tlsClientError', () => {})
  if (ocsp) server.on('OCSPRequest', (_, __, done) => done(null, ocsp))
  return server
}

class Session {
  readonly #answers: Answers
  readonly #faults: Faults
  readonly #identity: Identity
  #state: DoubleState = { underTls: false, chosen: undefined }
  #held = ''

  constructor(table: Answers, faults: Faults, identity: Identity) {
    this.#answers = table
    this.#faults = faults
    this.#identity = identity
  }

  serve(socket: Socket, greets: boolean): void {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.#held += chunk.toString('latin1')
      this.#turn(socket)
    })
    if (greets) socket.write(`${this.#faults.greeting ?? this.#answers.greeting}\r\n`)
    this.#turn(socket)
  }

  /** The server's handshake. */
  wrap(socket: Socket, greets: boolean): void {
    const secure = tlsServer(this.#identity, this.#faults)
    secure.once('secureConnection', (secured) => {
      const chosen = this.#faults.keepsState ? this.#state.chosen : undefined
      this.#state = { underTls: true, chosen }
      this.serve(secured, greets)
    })
    secure.emit('connection', socket)
  }

  #turn(socket: Socket): void {
    for (let end = this.#held.indexOf('\r\n'); end !== -1; end = this.#held.indexOf('\r\n')) {
      const line = this.#held.slice(0, end)
      this.#held = this.#held.slice(end + 2)
      const answer = this.#answers.answer(line, this.#state, this.#faults)
      if (typeof answer === 'string') socket.write(`${answer}\r\n`)
      else return this.#startTls(socket, answer.ready)
    }
  }

  #startTls(socket: Socket, ready: string): void {
    if (!this.#faults.injectable) this.#held = ''
    socket.write(`${ready}\r\n`)
    if (this.#faults.startTls === 'garbage') {
      socket.removeAllListeners('data')
      socket.once('data', () => socket.write('this is no TLS\r\n'))
    } else if (this.#faults.startTls === 'closes') socket.end()
    else {
      socket.removeAllListeners('data')
      this.wrap(socket, false)
    }
  }
}
