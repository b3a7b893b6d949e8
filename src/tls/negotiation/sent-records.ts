import type { SocketObserver } from '../../core/network/tapped-socket.ts'

const CHANGE_CIPHER_SPEC = 20
const HANDSHAKE = 22
const SERVER_HELLO = 2
const RECORD_HEADER_OCTETS = 5
/** Position of the random value in a ServerHello record: after the headers of record and message, and the version. */
const RANDOM_AT = RECORD_HEADER_OCTETS + 6
const RANDOM_OCTETS = 32
const ENCRYPT_THEN_MAC = 22

/** Reads what node:tls does not tell about a handshake of TLS 1.2 from the records that the server sends. */
export class SentRecords implements SocketObserver {
  /** From the ServerHello; undefined until it is sent. */
  hello: { readonly random: Buffer; readonly encryptThenMac: boolean } | undefined
  /** Number of records sent under the keys of the handshake. */
  protectedRecords = 0
  #held: Buffer = Buffer.alloc(0)
  #hasChangedCipher = false
  #done = false
  #onProtected: () => void = () => {}

  /** Resolves when the first protected record is sent, the server's Finished message, or the connection ends. */
  readonly finished = new Promise<void>((resolve) => {
    this.#onProtected = resolve
  })

  readonly received = (): void => {}

  readonly close = (): void => this.#onProtected()

  /** Stops reading. */
  stop(): void {
    this.#done = true
    this.#held = Buffer.alloc(0)
  }

  readonly sent = (octets: Buffer): void => {
    if (this.#done) return
    this.#held = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets])
    while (this.#held.length >= RECORD_HEADER_OCTETS) {
      const end = RECORD_HEADER_OCTETS + this.#held.readUInt16BE(3)
      if (this.#held.length < end) return
      this.#read(this.#held.subarray(0, end))
      this.#held = this.#held.subarray(end)
    }
  }

  #read(record: Buffer): void {
    if (this.#hasChangedCipher) {
      this.protectedRecords++
      this.#onProtected()
    } else if (record[0] === CHANGE_CIPHER_SPEC) this.#hasChangedCipher = true
    else if (record[0] === HANDSHAKE && record[RECORD_HEADER_OCTETS] === SERVER_HELLO) {
      this.hello ??= readServerHello(record)
    }
  }
}

/** Reads a record that begins with a ServerHello. RFC 5246 section 7.4.1.3. */
function readServerHello(record: Buffer): SentRecords['hello'] {
  const random = record.subarray(RANDOM_AT, RANDOM_AT + RANDOM_OCTETS)
  const messageEnd = RECORD_HEADER_OCTETS + 4 + record.readUIntBE(RECORD_HEADER_OCTETS + 1, 3)
  const sessionIdOctets = record[RANDOM_AT + RANDOM_OCTETS] ?? 0
  // After the session identifier: the suite, the compression method and the length of the extensions.
  let at = RANDOM_AT + RANDOM_OCTETS + 1 + sessionIdOctets + 2 + 1 + 2
  let encryptThenMac = false
  while (at + 4 <= Math.min(messageEnd, record.length)) {
    // RFC 7366 section 2
    if (record.readUInt16BE(at) === ENCRYPT_THEN_MAC) encryptThenMac = true
    at += 4 + record.readUInt16BE(at + 2)
  }
  return { random, encryptThenMac }
}
