import { constants, type KeyObject, publicEncrypt, randomBytes, X509Certificate } from 'node:crypto'
import { vector } from '../../../tls/negotiation/octets.ts'
import type { Probe } from '../probe.ts'
import { contentTypes, record } from '../tls/hello.ts'
import { RecordReader, receivedText } from '../tls/records.ts'
import { rsaSuites } from '../tls/suite-classes.ts'
import { NotTested, VerifyError } from '../types.ts'
import { judgeAnswers } from './answers.ts'
import { type Check, type Found, pass, worstOf } from './check.ts'
import { highestBefore13 } from './versions.ts'

const CLIENT_KEY_EXCHANGE = 16
const SECRET_OCTETS = 48

/** Returns a premaster secret in a PKCS #1 block of as many octets as the key has. RFC 8017 section 7.2.1. */
type Padding = (octets: number, secret: Buffer) => Buffer

/** A block that is well formed, and four that are not. An answer that tells them apart decrypts for the attacker. */
const paddings: Readonly<Record<string, Padding>> = {
  'valid padding': (octets, secret) => block([0, 2], octets, Buffer.concat([Buffer.from([0]), secret])),
  'wrong first octets': (octets, secret) => block([0x41, 0x17], octets, Buffer.concat([Buffer.from([0]), secret])),
  'no end of padding': (octets, secret) =>
    block([0, 2], octets, Buffer.concat([Buffer.from([0x11]), withoutZeros(secret)])),
  'secret of another length': (octets, secret) =>
    block([0, 2], octets, Buffer.concat([Buffer.from([0, 0x11]), secret])),
  'wrong version': (octets, secret) =>
    block([0, 2], octets, Buffer.concat([Buffer.from([0, 2, 2]), secret.subarray(2)])),
}

/** A zero ends the padding. */
const withoutZeros = (octets: Buffer): Uint8Array => octets.map((octet) => octet || 1)

function block(start: readonly number[], octets: number, end: Buffer): Buffer {
  const filler = withoutZeros(randomBytes(octets - start.length - end.length))
  return Buffer.concat([Buffer.from(start), filler, end])
}

/** Checks that the server's answer does not depend on the padding of an RSA premaster secret. ROBOT; Bleichenbacher 1998. */
export const robot: Check = {
  name: 'robot',
  title: 'ROBOT',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return pass('not possible in TLS 1.3')
    const first = await probe.hello({ version: version.wire, suites: rsaSuites })
    if (first.kind !== 'hello') return pass('not possible: the server accepts no suite with RSA key exchange')
    const key = serverKey(first.certificates)
    const found: Found[] = []
    for (const flow of flows) {
      const judged = await judgeAnswers(() => askAll(probe, version.wire, key, flow))
      found.push(flow === 'whole' ? judged : { ...judged, words: `${judged.words}, without Finished` })
    }
    return worstOf(found)
  },
}

/** The client's second flight: whole, or only ClientKeyExchange, which some servers answer differently. ROBOT section 3 */
const flows = ['whole', 'only the key exchange'] as const
type Flow = (typeof flows)[number]

function serverKey(certificates: readonly Buffer[]): KeyObject {
  const [der] = certificates
  const key = der && new X509Certificate(der).publicKey
  if (key?.asymmetricKeyType !== 'rsa') throw new NotTested('the server sends no RSA certificate')
  return key
}

async function askAll(probe: Probe, version: number, key: KeyObject, flow: Flow): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  for (const [name, padding] of Object.entries(paddings))
    answers.set(name, await ask(probe, version, key, padding, flow))
  return answers
}

/** Sends ClientKeyExchange, and for the whole flow a Finished that cannot be decrypted. Returns the answer in words. */
function ask(probe: Probe, version: number, key: KeyObject, padding: Padding, flow: Flow): Promise<string> {
  return probe.afterHello({ version, suites: rsaSuites }, async (answer, wire) => {
    if (answer.kind !== 'hello') throw new VerifyError('the server refuses what it accepted before')
    const secret = randomBytes(SECRET_OCTETS)
    secret.writeUInt16BE(version)
    const octets = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
    const encrypted = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, padding(octets, secret))
    // SSL 3.0 sends it without its length. RFC 6101 section 5.6.7.1
    const exchange = vector(3, version === 0x0300 ? encrypted : vector(2, encrypted))
    const message = Buffer.concat([Buffer.from([CLIENT_KEY_EXCHANGE]), exchange])
    const rest = [
      record(contentTypes.changeCipherSpec, version, Buffer.from([1])),
      record(contentTypes.handshake, version, randomBytes(64)),
    ]
    wire.write(Buffer.concat([record(contentTypes.handshake, version, message), ...(flow === 'whole' ? rest : [])]))
    // A server that waits for more closes then, so that its silence needs no timeout.
    if (flow !== 'whole') wire.end()
    const reader = new RecordReader(wire)
    const received = receivedText(await reader.next())
    return received === 'silent' || received === 'closed'
      ? received
      : `${received}, ${receivedText(await reader.next())}`
  })
}
