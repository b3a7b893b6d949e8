import { createHash } from 'node:crypto'
import { pHash } from '../negotiation/prf.ts'
import { cipherStream } from './ciphers.ts'
import type { Flaws } from './defects.ts'
import { macOctets, recordMac, ssl3Pads } from './mac.ts'
import { blockProtection, type Protection, streamProtection } from './protection.ts'
import { bulkCiphers, keyExchanges, type LegacySuite, type LegacyVersion, type MacName } from './suites.ts'

type Side = 'client' | 'server'

/** The random values of both hello messages, 32 octets each. */
export interface Randoms {
  readonly client: Buffer
  readonly server: Buffer
}

/** The functions by which a version derives its secrets and its Finished message. */
interface KeySchedule {
  /** Derives 48 octets from the premaster secret. */
  masterSecret(preMaster: Buffer, randoms: Randoms): Buffer
  /** Derives 48 octets from the premaster secret and the messages up to ClientKeyExchange; SSL 3.0 cannot. RFC 7627 section 4. */
  extendedMasterSecret?(preMaster: Buffer, transcript: readonly Buffer[]): Buffer
  /** Derives as many octets of key material as a suite needs. */
  keyBlock(master: Buffer, randoms: Randoms, octets: number): Buffer
  /** Derives the key of an export cipher from its few octets of key material. */
  exportKey(side: Side, material: Buffer, randoms: Randoms, octets: number): Buffer
  /** Derives the first initialization vector of an export cipher. */
  exportIv(side: Side, randoms: Randoms, octets: number): Buffer
  /** Returns the content of a Finished message over all handshake messages so far. */
  finished(side: Side, master: Buffer, transcript: readonly Buffer[]): Buffer
}

const ssl3Senders: Record<Side, Buffer> = {
  client: Buffer.from('CLNT', 'latin1'),
  server: Buffer.from('SRVR', 'latin1'),
}

/** SSL 3.0. RFC 6101 sections 5.6.9, 6.1, 6.2.2, 6.2.2.1. */
const ssl3: KeySchedule = {
  masterSecret: (preMaster, { client, server }) => ssl3Expand(preMaster, [client, server], 48),
  keyBlock: (master, { client, server }, octets) => ssl3Expand(master, [server, client], octets),
  exportKey(side, material, { client, server }, octets) {
    const [first, second] = side === 'client' ? [client, server] : [server, client]
    return createHash('md5').update(material).update(first).update(second).digest().subarray(0, octets)
  },
  exportIv(side, { client, server }, octets) {
    const [first, second] = side === 'client' ? [client, server] : [server, client]
    return createHash('md5').update(first).update(second).digest().subarray(0, octets)
  },
  finished: (side, master, transcript) =>
    Buffer.concat([
      ssl3FinishedHash('md5', side, master, transcript),
      ssl3FinishedHash('sha1', side, master, transcript),
    ]),
}

/** Returns MD5(secret + SHA(label + secret + seed)) for the labels A, BB, CCC … RFC 6101 sections 6.1, 6.2.2. */
function ssl3Expand(secret: Buffer, seed: readonly [Buffer, Buffer], octets: number): Buffer {
  const out: Buffer[] = []
  for (let i = 1; (i - 1) * 16 < octets; i++) {
    const inner = createHash('sha1').update(Buffer.alloc(i, 0x40 + i))
    inner.update(secret).update(seed[0]).update(seed[1])
    out.push(createHash('md5').update(secret).update(inner.digest()).digest())
  }
  return Buffer.concat(out).subarray(0, octets)
}

function ssl3FinishedHash(hash: MacName, side: Side, master: Buffer, transcript: readonly Buffer[]): Buffer {
  const { inner, outer } = ssl3Pads[hash]
  const state = createHash(hash)
  for (const message of transcript) state.update(message)
  const digest = state.update(ssl3Senders[side]).update(master).update(inner).digest()
  return createHash(hash).update(master).update(outer).update(digest).digest()
}

/** Computes the pseudo-random function of a version. */
type Prf = (secret: Buffer, label: string, seed: Buffer, octets: number) => Buffer

/** TLS 1.0 to 1.2. RFC 2246 sections 6.3, 6.3.1, 7.4.9, 8.1; RFC 5246 sections 5, 7.4.9. Export suites end at TLS 1.0. */
const tlsSchedule = (prf: Prf, hash: (transcript: readonly Buffer[]) => Buffer): KeySchedule => ({
  masterSecret: (preMaster, randoms) => prf(preMaster, 'master secret', clientFirst(randoms), 48),
  extendedMasterSecret: (preMaster, transcript) => prf(preMaster, 'extended master secret', hash(transcript), 48),
  keyBlock: (master, randoms, octets) => prf(master, 'key expansion', serverFirst(randoms), octets),
  exportKey: (side, material, randoms, octets) => prf(material, `${side} write key`, clientFirst(randoms), octets),
  exportIv(side, randoms, octets) {
    const block = prf(Buffer.alloc(0), 'IV block', clientFirst(randoms), 2 * octets)
    return side === 'client' ? block.subarray(0, octets) : block.subarray(octets)
  },
  finished: (side, master, transcript) => prf(master, `${side} finished`, hash(transcript), 12),
})

const clientFirst = ({ client, server }: Randoms): Buffer => Buffer.concat([client, server])
const serverFirst = ({ client, server }: Randoms): Buffer => Buffer.concat([server, client])

/** Computes the pseudo-random function: MD5 over the secret's first half, SHA-1 over its second. RFC 2246 section 5. */
function tls10Prf(secret: Buffer, label: string, seed: Buffer, octets: number): Buffer {
  const half = Math.ceil(secret.length / 2)
  const labelled = Buffer.concat([Buffer.from(label, 'latin1'), seed])
  const left = pHash('md5', secret.subarray(0, half), labelled, octets)
  const right = pHash('sha1', secret.subarray(secret.length - half), labelled, octets)
  for (let i = 0; i < octets; i++) left[i] = (left[i] as number) ^ (right[i] as number)
  return left
}

function digest(hash: MacName | 'sha256', parts: readonly Buffer[]): Buffer {
  const state = createHash(hash)
  for (const part of parts) state.update(part)
  return state.digest()
}

const tls10 = tlsSchedule(tls10Prf, (transcript) =>
  Buffer.concat([digest('md5', transcript), digest('sha1', transcript)]),
)
const tls12 = tlsSchedule(
  (secret, label, seed, octets) => pHash('sha256', secret, Buffer.concat([Buffer.from(label, 'latin1'), seed]), octets),
  (transcript) => digest('sha256', transcript),
)

/** The key schedule of each version. */
export const keySchedules: Record<LegacyVersion, KeySchedule> = {
  SSLv3: ssl3,
  TLSv1: tls10,
  'TLSv1.1': tls10,
  'TLSv1.2': tls12,
}

/** The security parameters that a handshake negotiated. A resumed one takes the master secret from its session. RFC 2246 section 6.1. */
export interface SecurityParameters {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly master: Buffer
  readonly randoms: Randoms
}

/** Derives the protection of what one side reads (the peer's keys) and writes (its own keys). RFC 2246 section 6.3. */
export function protections(
  parameters: SecurityParameters,
  side: Side,
  flaws: Flaws = {},
): { input: Protection; output: Protection } {
  const { version, suite, randoms } = parameters
  const schedule = keySchedules[version]
  const cipher = bulkCiphers[suite.cipher]
  const { isExport } = keyExchanges[suite.exchange]
  const { macs, materials, ivs } = partition(parameters, isExport)

  const protection = (writer: Side): Protection => {
    const material = materials[writer]
    // RFC 2246 section 6.3.1: export suites derive their keys from the key material in one more step.
    const key = isExport ? schedule.exportKey(writer, material, randoms, cipher.keyOctets) : material
    const iv = isExport ? schedule.exportIv(writer, randoms, cipher.blockOctets) : ivs[writer]
    const stream = cipherStream(cipher, key, iv, writer === side ? 'encrypt' : 'decrypt')
    const mac = recordMac(version, suite.mac, macs[writer])
    if (cipher.blockOctets === 0) return streamProtection(stream, mac)
    return blockProtection(stream, mac, version, cipher.blockOctets, flaws.ignoresPadding ? 'SSLv3' : version)
  }
  return { input: protection(side === 'server' ? 'client' : 'server'), output: protection(side) }
}

/** Cuts the key block into pairs of MAC secrets, keys and initialization vectors. The client's comes first in each pair. */
function partition({ version, suite, master, randoms }: SecurityParameters, isExport: boolean) {
  const { materialOctets, blockOctets } = bulkCiphers[suite.cipher]
  const sizes = { macs: macOctets[suite.mac], materials: materialOctets, ivs: isExport ? 0 : blockOctets }
  const octets = 2 * (sizes.macs + sizes.materials + sizes.ivs)
  const block = keySchedules[version].keyBlock(master, randoms, octets)
  let at = 0
  const take = (size: number): Buffer => {
    at += size
    return block.subarray(at - size, at)
  }
  const pair = (size: number): Record<Side, Buffer> => ({ client: take(size), server: take(size) })
  return { macs: pair(sizes.macs), materials: pair(sizes.materials), ivs: pair(sizes.ivs) }
}

/** Returns a line of the NSS key log, which Wireshark reads. The client's random value identifies the session. */
export function keyLogLine({ randoms, master }: SecurityParameters): Buffer {
  return Buffer.from(`CLIENT_RANDOM ${randoms.client.toString('hex')} ${master.toString('hex')}\n`, 'latin1')
}
