import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { parseClientHello } from '../../../src/tls/negotiation/client-hello.ts'
import { uint16, vector } from '../../../src/tls/negotiation/octets.ts'
import { splitPem } from '../../../src/tls/pki/system-roots.ts'
import type { ServerIdentity } from './authority.ts'

/** A record as received. */
interface CraftedRecord {
  readonly contentType: number
  readonly content: Buffer
}

/** How a hand-made server behaves, with flaws that no TLS library of today has. It sends only its first flight. */
export interface Craft {
  /** As on the wire; 0x0303 is TLS 1.2. Default: only TLS 1.2. */
  readonly versions?: readonly number[]
  /** In the server's order. Default: one with RSA key exchange. */
  readonly suites?: readonly number[]
  readonly compression?: number
  /** Extensions of the ServerHello by type. Default: renegotiation_info. */
  readonly extensions?: Readonly<Record<number, Buffer>>
  /** The body of ServerKeyExchange. */
  readonly keyExchange?: Buffer
  readonly random?: Buffer
  /** Answers a ClientHello of SSL 2.0. */
  readonly sslv2?: boolean
  /** Receives the records behind the first flight. An alert as answer closes the connection. Default: answers with alert 10. */
  readonly onRecord?: (record: CraftedRecord, answer: (contentType: number, content: Buffer) => void) => void
}

interface Crafted extends AsyncDisposable {
  /** Implicit TLS. */
  readonly port: number
}

const RSA_WITH_AES_128_CBC_SHA = 0x002f
const [ALERT, HANDSHAKE] = [21, 22]
const HANDSHAKE_FAILURE = Buffer.from([2, 40])
const UNEXPECTED_MESSAGE = Buffer.from([2, 10])

/** Starts a hand-made TLS server. */
export async function startCrafted(identity: ServerIdentity, craft: Craft): Promise<Crafted> {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    let held: Buffer = Buffer.alloc(0)
    let answersHello = true
    const send = (version: number) => (contentType: number, content: Buffer) => {
      socket.write(Buffer.concat([Buffer.from([contentType]), uint16(version), vector(2, content)]))
      if (contentType === ALERT) socket.end()
    }
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      if (answersHello && ((held[0] ?? 0) & 0x80) !== 0) {
        if (craft.sslv2) socket.write(sslv2ServerHello(identity))
        else socket.end()
        return
      }
      while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
        const end = 5 + held.readUInt16BE(3)
        const record = { contentType: held[0] ?? 0, content: held.subarray(5, end) }
        const version = Math.min(...(craft.versions ?? [0x0303]))
        held = held.subarray(end)
        if (answersHello) {
          answersHello = false
          const flight = firstFlight(record.content, identity, craft)
          if (flight) send(version)(HANDSHAKE, flight)
          else send(version)(ALERT, HANDSHAKE_FAILURE)
        } else if (craft.onRecord) craft.onRecord(record, send(version))
        else send(version)(ALERT, UNEXPECTED_MESSAGE)
      }
    })
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

/** Returns ServerHello to ServerHelloDone, or undefined if nothing of the offer is accepted. */
function firstFlight(message: Buffer, { cert }: ServerIdentity, craft: Craft): Buffer | undefined {
  const hello = parseClientHello(message.subarray(4))
  const { versions = [0x0303], suites = [RSA_WITH_AES_128_CBC_SHA] } = craft
  if (hello.extensions.supportedVersions) return undefined
  const version = versions.filter((one) => one <= hello.version).at(-1)
  const suite = suites.find((one) => hello.suites.includes(one))
  if (version === undefined || suite === undefined) return undefined
  const compression = craft.compression !== undefined && hello.compressionMethods.includes(craft.compression)
  const extensions = Object.entries(craft.extensions ?? { 0xff01: Buffer.from([0]) }).map(([type, data]) =>
    Buffer.concat([uint16(Number(type)), vector(2, data)]),
  )
  const serverHello = Buffer.concat([
    uint16(version),
    craft.random ?? randomBytes(32),
    vector(1, randomBytes(32)),
    uint16(suite),
    Buffer.from([compression ? (craft.compression ?? 0) : 0]),
    ...(version === 0x0300 ? [] : [vector(2, Buffer.concat(extensions))]),
  ])
  const chain = splitPem(cert).map((pem) => vector(3, derOf(pem)))
  return Buffer.concat([
    handshakeMessage(2, serverHello),
    handshakeMessage(11, vector(3, Buffer.concat(chain))),
    ...(craft.keyExchange ? [handshakeMessage(12, craft.keyExchange)] : []),
    handshakeMessage(14, Buffer.alloc(0)),
  ])
}

const handshakeMessage = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([type]), vector(3, body)])

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')

/** Returns a SERVER-HELLO. draft-hickman-netscape-ssl-00 section 5.2 */
function sslv2ServerHello({ certificate }: ServerIdentity): Buffer {
  const der = certificate.raw
  const kinds = Buffer.from('010080', 'hex')
  const id = randomBytes(16)
  const sizes = [der.length, kinds.length, id.length].map(uint16)
  const body = Buffer.concat([Buffer.from([4, 0, 1, 0, 2]), ...sizes, der, kinds, id])
  return Buffer.concat([uint16(0x8000 | body.length), body])
}
