import { cipherStream } from './ciphers.ts'
import { keySchedules, type Randoms, type Side } from './key-schedule.ts'
import { macOctets, recordMac } from './mac.ts'
import { blockProtection, type Protection, streamProtection } from './protection.ts'
import { bulkCiphers, type LegacySuite } from './suites.ts'
import type { LegacyVersion } from './versions.ts'

/** What a handshake agreed on. A resumed one brings the master secret along. */
export interface Agreement {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly master: Buffer
  readonly randoms: Randoms
}

/** The server's two protections: what it reads with (the client's keys), and what it writes with. RFC 2246 section 6.3. */
export function serverProtections(agreement: Agreement): { input: Protection; output: Protection } {
  const { version, suite, master, randoms } = agreement
  const schedule = keySchedules[version]
  const cipher = bulkCiphers[suite.cipher]
  const isExport = cipher.materialOctets < cipher.keyOctets || suite.exchange !== 'rsa'
  const sizes = [macOctets[suite.mac], cipher.materialOctets, isExport ? 0 : cipher.blockOctets]
  const block = schedule.keyBlock(master, randoms, 2 * sizes.reduce((sum, size) => sum + size))
  // MAC secrets, keys, vectors; of each the client's, then the server's.
  let at = 0
  const take = (octets: number): Buffer => block.subarray(at, (at += octets))
  const [macs, materials, ivs] = sizes.map((size) => ({ client: take(size), server: take(size) })) as [Pair, Pair, Pair]

  const protection = (side: Side, direction: 'encrypt' | 'decrypt'): Protection => {
    const material = materials[side]
    const key = isExport ? schedule.exportKey(side, material, randoms, cipher.keyOctets) : material
    const iv = isExport ? schedule.exportIv(side, randoms, cipher.blockOctets) : ivs[side]
    const stream = cipherStream(cipher, key, iv, direction)
    const mac = recordMac(version, suite.mac, macs[side])
    if (cipher.blockOctets === 0) return streamProtection(stream, mac)
    return blockProtection(stream, mac, version, cipher.blockOctets)
  }
  return { input: protection('client', 'decrypt'), output: protection('server', 'encrypt') }
}

type Pair = Record<Side, Buffer>
