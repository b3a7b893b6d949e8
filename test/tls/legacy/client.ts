import {
  constants,
  createDiffieHellman,
  createHash,
  createPublicKey,
  type KeyObject,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  verify,
  X509Certificate,
} from 'node:crypto'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { HandshakeFlow } from '../../../src/tls/legacy/handshake-flow.ts'
import { keySchedules, protections, type SecurityParameters } from '../../../src/tls/legacy/key-schedule.ts'
import { handshakeMessage, handshakeTypes } from '../../../src/tls/legacy/messages.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import {
  type KeyExchange,
  keyExchanges,
  type LegacySuite,
  type LegacyVersion,
  legacySuites,
  legacyVersions,
} from '../../../src/tls/legacy/suites.ts'
import { RecordTransport } from '../../../src/tls/legacy/transport.ts'
import { OctetReader, uint16, vector } from '../../../src/tls/negotiation/octets.ts'

/** The extension in a ServerHello. RFC 7627 section 5.1. */
const EXTENDED_MASTER_SECRET = Buffer.from('00170000', 'hex')

/** How a misbehaving client deviates. */
export interface ClientOptions {
  readonly suites?: readonly number[]
  readonly version?: number
  readonly random?: Buffer
  readonly sessionId?: Buffer
  readonly compressions?: readonly number[]
  readonly extensions?: Buffer
  /** Returns the octets to encrypt with RSA, padding included; correct by default. */
  readonly encryptedBlock?: (preMaster: Buffer, keyOctets: number) => Buffer
  /** Replaces the client's Diffie-Hellman value. */
  readonly dhValue?: Buffer
}

interface ServerFlight {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly random: Buffer
  readonly sessionId: Buffer
  readonly extensions: Buffer
}

/** The values that the client needs to agree on a premaster secret: a key that encrypts it, or the server's Diffie-Hellman values. */
type ServerKey =
  | { readonly rsa: KeyObject }
  | { readonly dh: { readonly prime: Buffer; readonly generator: Buffer; readonly value: Buffer } }

/**
 * A client built from the engine's own parts, to send what no real client sends. It cannot prove that the engine follows
 * the standard; the tests with real clients in `interop/` do.
 */
export class LegacyClient {
  readonly transport: RecordTransport
  readonly flow: HandshakeFlow
  readonly options: ClientOptions
  readonly random: Buffer
  readonly version: number
  /** SignatureAndHashAlgorithm of the server's parameters, in TLS 1.2. */
  signatureAlgorithm: number | undefined
  /** Sends the ClientHello in SSL 2.0 format. RFC 2246 appendix E.1. */
  sslv2Hello = false

  constructor(raw: Duplex, options: ClientOptions = {}) {
    raw.on('error', () => {})
    this.transport = new RecordTransport(raw)
    this.flow = new HandshakeFlow(this.transport)
    this.options = options
    this.random = options.random ?? randomBytes(32)
    this.version = options.version ?? legacyVersions.TLSv1
  }

  static connect(port: number, options?: ClientOptions): LegacyClient {
    return new LegacyClient(connect({ host: '127.0.0.1', port, noDelay: true }), options)
  }

  sendHello(): void {
    if (this.sslv2Hello) this.#sendSslv2Hello()
    else this.#sendHello()
  }

  #sendSslv2Hello(): void {
    const suites = this.options.suites ?? legacySuites.map(({ id }) => id)
    const specs = Buffer.concat(suites.flatMap((suite) => [Buffer.of(0), uint16(suite)]))
    const lengths = [specs.length, 0, 16].map(uint16)
    const message = Buffer.concat([Buffer.of(1), uint16(this.version), ...lengths, specs, this.random.subarray(16)])
    this.flow.transcript.push(message)
    this.transport.raw.write(Buffer.concat([uint16(0x8000 | message.length), message]))
  }

  #sendHello(): void {
    const { suites = legacySuites.map(({ id }) => id), sessionId = Buffer.alloc(0), compressions = [0] } = this.options
    const body = [uint16(this.version), this.random, vector(1, sessionId)]
    body.push(vector(2, Buffer.concat(suites.map(uint16))), vector(1, Buffer.from(compressions)))
    if (this.options.extensions) body.push(vector(2, this.options.extensions))
    this.flow.send(handshakeMessage(handshakeTypes.clientHello, Buffer.concat(body)))
  }

  async serverHello(): Promise<ServerFlight> {
    const reader = new OctetReader(await this.flow.message(handshakeTypes.serverHello))
    const number = reader.uint16()
    const version = (Object.keys(legacyVersions) as LegacyVersion[]).find((name) => legacyVersions[name] === number)
    if (version === undefined) throw new Error(`the server answers version ${number}`)
    const random = reader.octets(32)
    const sessionId = reader.vector8()
    const suiteId = reader.uint16()
    reader.octets(1)
    const extensions = reader.left === 0 ? Buffer.alloc(0) : reader.vector16()
    const suite = legacySuites.find(({ id }) => id === suiteId) as LegacySuite
    this.transport.version = version
    this.transport.versionNegotiated = true
    return { version, suite, random, sessionId, extensions }
  }

  /** Reads the server's messages up to ServerHelloDone. Verifies the signature of its parameters. */
  async serverFlight(): Promise<ServerFlight & { key: ServerKey }> {
    const hello = await this.serverHello()
    const exchange: KeyExchange = keyExchanges[hello.suite.exchange]
    const certified = exchange.kind === 'rsa' || exchange.isSigned ? await this.#certifiedKey() : undefined
    const isTemporary = exchange.kind === 'dh' || exchange.isExport
    const key = isTemporary ? await this.#temporaryKey(hello, exchange, certified) : { rsa: certified as KeyObject }
    await this.flow.message(handshakeTypes.serverHelloDone)
    return { ...hello, key }
  }

  async #certifiedKey(): Promise<KeyObject> {
    const message = await this.flow.message(handshakeTypes.certificate)
    return new X509Certificate(message.subarray(6, 6 + message.readUIntBE(3, 3))).publicKey
  }

  async #temporaryKey(hello: ServerFlight, { kind }: KeyExchange, certified?: KeyObject): Promise<ServerKey> {
    const body = await this.flow.message(handshakeTypes.serverKeyExchange)
    const reader = new OctetReader(body)
    const values = Array.from({ length: kind === 'rsa' ? 2 : 3 }, () => reader.vector16()) as [Buffer, Buffer, Buffer]
    const params = body.subarray(0, body.length - reader.left)
    if (certified) this.#verify(hello, params, reader, certified)
    reader.expectEnd()
    const [first, second, value] = values
    if (kind === 'dh') return { dh: { prime: first, generator: second, value } }
    const [n, e] = [first, second].map((number) => number.toString('base64url')) as [string, string]
    return { rsa: createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }) }
  }

  #verify(hello: ServerFlight, params: Buffer, reader: OctetReader, key: KeyObject): void {
    const signed = Buffer.concat([this.random, hello.random, params])
    const isOf12 = hello.version === 'TLSv1.2'
    this.signatureAlgorithm = isOf12 ? reader.uint16() : undefined
    const signature = reader.vector16()
    const hashes: Readonly<Record<number, string>> = {
      0x0201: 'sha1',
      0x0401: 'sha256',
      0x0501: 'sha384',
      0x0601: 'sha512',
    }
    const digests = Buffer.concat(['md5', 'sha1'].map((hash) => createHash(hash).update(signed).digest()))
    const isRight = isOf12
      ? verify(hashes[this.signatureAlgorithm as number], signed, key, signature)
      : publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(digests)
    if (!isRight) throw new Error('the signature of the server’s parameters is wrong')
  }

  /** Sends ClientKeyExchange. */
  sendKeyExchange(flight: ServerFlight & { key: ServerKey }): SecurityParameters {
    const { preMaster, body } =
      'rsa' in flight.key ? this.#encrypted(flight, flight.key.rsa) : this.#shared(flight.key.dh)
    this.flow.send(handshakeMessage(handshakeTypes.clientKeyExchange, body))
    const randoms = { client: this.random, server: flight.random }
    const schedule = keySchedules[flight.version]
    const isExtended = flight.extensions.includes(EXTENDED_MASTER_SECRET)
    const master = isExtended
      ? (schedule.extendedMasterSecret as NonNullable<typeof schedule.extendedMasterSecret>)(
          preMaster,
          this.flow.transcript,
        )
      : schedule.masterSecret(preMaster, randoms)
    return { version: flight.version, suite: flight.suite, master, randoms }
  }

  #encrypted({ version }: ServerFlight, key: KeyObject) {
    const preMaster = Buffer.concat([uint16(this.version), randomBytes(46)])
    const keyOctets = (key.asymmetricKeyDetails?.modulusLength as number) / 8
    const block = (this.options.encryptedBlock ?? paddedBlock)(preMaster, keyOctets)
    const encrypted = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block)
    return { preMaster, body: version === 'SSLv3' ? encrypted : vector(2, encrypted) }
  }

  #shared({ prime, generator, value }: { prime: Buffer; generator: Buffer; value: Buffer }) {
    const own = createDiffieHellman(prime, generator)
    const body = vector(2, this.options.dhValue ?? own.generateKeys())
    if (this.options.dhValue) own.generateKeys()
    const secret = own.computeSecret(value)
    return { preMaster: secret.subarray(secret.findIndex((octet) => octet !== 0)), body }
  }

  sendFinished(parameters: SecurityParameters): void {
    this.transport.write(contentTypes.changeCipherSpec, Buffer.of(1))
    const { input, output } = protections(parameters, 'client')
    this.transport.output = output
    this.#input = input
    const finished = keySchedules[parameters.version].finished('client', parameters.master, this.flow.transcript)
    this.flow.send(handshakeMessage(handshakeTypes.finished, finished))
  }

  #input: ReturnType<typeof protections>['input'] | undefined

  async serverFinished(parameters: SecurityParameters): Promise<void> {
    await this.flow.changeCipherSpec()
    this.transport.input = this.#input ?? protections(parameters, 'client').input
    const expected = keySchedules[parameters.version].finished('server', parameters.master, this.flow.transcript)
    if (!expected.equals(await this.flow.message(handshakeTypes.finished)))
      throw new Error('the server’s Finished is wrong')
  }

  /** Makes a complete handshake. */
  async handshake(): Promise<ServerFlight & { parameters: SecurityParameters }> {
    this.sendHello()
    const flight = await this.serverFlight()
    const parameters = this.sendKeyExchange(flight)
    this.sendFinished(parameters)
    await this.serverFinished(parameters)
    return { ...flight, parameters }
  }

  send(text: string): void {
    this.transport.write(contentTypes.applicationData, Buffer.from(text))
  }

  /** Reads application data until it contains `text`. @throws when the server sends a fatal alert, or closes */
  async expectText(text: string): Promise<void> {
    for (let got = ''; !got.includes(text); ) {
      const record = this.transport.take()
      if (record === 'closed') throw new Error('close_notify')
      if (record) got += record.content.toString()
      else await this.moreInput()
    }
  }

  moreInput(): Promise<void> {
    if (this.transport.ended) return Promise.reject(new Error('the server closed'))
    return new Promise((resolve) => {
      this.transport.onInput = resolve
    })
  }

  destroy(): void {
    this.transport.raw.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }
}

/** 00 02, padding, 00, the secret. RFC 8017 section 7.2.1. */
export function paddedBlock(secret: Buffer, keyOctets: number): Buffer {
  const padding = randomBytes(keyOctets - secret.length - 3).map((octet) => octet || 1)
  return Buffer.concat([Buffer.of(0, 2), padding, Buffer.of(0), secret])
}
