import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { TappedSocket } from '../../core/network/tapped-socket.ts'
import { tls12Alert, tls13Alert } from './alert-records.ts'
import type { KeyLog } from './policy.ts'
import { SentRecords } from './sent-records.ts'

/** RFC 8446 section 6.2, RFC 5246 section 7.2.2. */
const alerts = {
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  unknownCa: 48,
  certificateRequired: 116,
} as const

export type AlertName = keyof typeof alerts

/**
 * Makes a fatal alert to send right after a handshake, before anything else. node:tls has no call for it, so the record is
 * made here with the secrets of the key log. The keys of TLS 1.2 also depend on the ServerHello, which is read from the
 * octets that the server sends.
 */
export class FatalAlert {
  /** The stream for the handshake. */
  readonly stream: Duplex
  readonly #records: SentRecords | undefined
  /** The traffic secret of TLS 1.3. */
  #secret: Buffer | undefined
  /** The secrets of TLS 1.2 that the key log has. */
  #master: { readonly clientRandom: Buffer; readonly master: Buffer } | undefined
  #octetsBefore = 0

  /** @param raw the connection @param isTls13 whether the handshake will be one of TLS 1.3 */
  constructor(raw: Duplex, isTls13: boolean) {
    this.#records = isTls13 ? undefined : new SentRecords()
    this.stream = this.#records ? new TappedSocket(raw, [this.#records]) : raw
  }

  /** Reads a line of the handshake's key log. */
  readonly keyLog: KeyLog = (line) => {
    const [label, random = '', secret = ''] = line.toString('latin1').trim().split(' ')
    if (label === 'SERVER_TRAFFIC_SECRET_0') this.#secret = Buffer.from(secret, 'hex')
    if (label === 'CLIENT_RANDOM')
      this.#master = { clientRandom: Buffer.from(random, 'hex'), master: Buffer.from(secret, 'hex') }
  }

  /** Notes how much has been sent. Call it as soon as the handshake is complete. */
  complete(): void {
    this.#octetsBefore = octetsSent(this.stream)
  }

  /** Frees what is needed only for an alert. */
  discard(): void {
    this.#records?.stop()
  }

  /** Returns the record to send on the raw connection; undefined for versions and suites without one. */
  async record(alert: AlertName, socket: TLSSocket): Promise<Buffer | undefined> {
    const suite = socket.getCipher().standardName
    const description = alerts[alert]
    if (this.#secret) {
      const sequence = octetsSent(this.stream) === this.#octetsBefore ? 0 : sessionTickets(socket)
      return tls13Alert({ suite, description, sequence }, this.#secret)
    }
    if (socket.getProtocol() !== 'TLSv1.2' || this.#records === undefined || this.#master === undefined)
      return undefined
    await this.#records.finished
    const { hello, protectedRecords: sequence } = this.#records
    if (hello === undefined || sequence === 0) return undefined
    const { random: serverRandom, encryptThenMac } = hello
    return tls12Alert({ suite, description, sequence }, { ...this.#master, serverRandom, encryptThenMac })
  }
}

/** Number of session tickets that OpenSSL sends after a handshake of TLS 1.3, each in a record. */
const sessionTickets = (socket: TLSSocket): number => (socket.isSessionReused() ? 1 : 2)

const octetsSent = (stream: Duplex): number => (stream as Duplex & { readonly bytesWritten?: number }).bytesWritten ?? 0
