import { constants } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Protocol } from '../../../src/core/config/schema.ts'
import type { ServerIdentity } from './authority.ts'
import { type Answers, answers, type DoubleState, type Faults } from './double-answers.ts'

interface Double extends AsyncDisposable {
  readonly port: number
}

/** Starts a minimal server with the given faults. */
export async function startDouble(protocol: Protocol, identity: ServerIdentity, faults: Faults = {}): Promise<Double> {
  const open = new Set<Socket>()
  let refused = 0
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    const { busy } = faults
    const isBusy = busy !== undefined && refused++ < busy.sessions
    const session = new Session(answers[protocol], isBusy ? { ...faults, greeting: busy.greeting } : faults, identity)
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

function tlsServer({ key, cert }: ServerIdentity, { tls: options, ocsp, renegotiations = 0 }: Faults): tls.Server {
  const secureOptions = renegotiations > 0 ? 0 : constants.SSL_OP_NO_RENEGOTIATION
  const server = tls.createServer({ key, cert, secureOptions, ...options })
  server.on('tlsClientError', () => {})
  let handshakes = 0
  server.on('keylog', (_, socket) => {
    if (renegotiations > 0 && ++handshakes > renegotiations + 1) socket.destroy()
  })
  if (ocsp) server.on('OCSPRequest', (_, __, done) => done(null, ocsp))
  return server
}

class Session {
  readonly #answers: Answers
  readonly #faults: Faults
  readonly #identity: ServerIdentity
  #state: DoubleState = { underTls: false, chosen: undefined }
  #held = ''

  constructor(table: Answers, faults: Faults, identity: ServerIdentity) {
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

  /** Does the server's handshake. */
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
      socket.once('data', () => socket.write('this is not TLS\r\n'))
    } else if (this.#faults.startTls === 'closes') socket.end()
    else {
      socket.removeAllListeners('data')
      this.wrap(socket, false)
    }
  }
}
