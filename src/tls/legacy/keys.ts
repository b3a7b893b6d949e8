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

/** What one side reads with (the other's keys), and what it writes with (its own). RFC 2246 section 6.3. */
export function protections(agreement: Agreement, side: Side): { input: Protection; output: Protection } {
  const { version, suite, randoms } = agreement
  const schedule = keySchedules[version]
  const cipher = bulkCiphers[suite.cipher]
  const isExport = suite.exchange !== 'rsa'
  const { macs, materials, ivs } = partition(agreement, isExport)

  const protection = (writer: Side): Protection => {
    const material = materials[writer]
    // RFC 2246 section 6.3.1: the keys of export suites are made from their material once more.
    const key = isExport ? schedule.exportKey(writer, material, randoms, cipher.keyOctets) : material
    const iv = isExport ? schedule.exportIv(writer, randoms, cipher.blockOctets) : ivs[writer]
    const stream = cipherStream(cipher, key, iv, writer === side ? 'encrypt' : 'decrypt')
    const mac = recordMac(version, suite.mac, macs[writer])
    if (cipher.blockOctets === 0) return streamProtection(stream, mac)
    return blockProtection(stream, mac, version, cipher.blockOctets)
  }
  return { input: protection(side === 'server' ? 'client' : 'server'), output: protection(side) }
}

type Pair = Record<Side, Buffer>

/** Cuts the key block: MAC secrets, keys, vectors; of each the client's, then the server's. */
function partition({ version, suite, master, randoms }: Agreement, isExport: boolean) {
  const { materialOctets, blockOctets } = bulkCiphers[suite.cipher]
  const sizes = { macs: macOctets[suite.mac], materials: materialOctets, ivs: isExport ? 0 : blockOctets }
  const octets = 2 * (sizes.macs + sizes.materials + sizes.ivs)
  const block = keySchedules[version].keyBlock(master, randoms, octets)
  let at = 0
  const take = (size: number): Buffer => {
    at += size
    return block.subarray(at - size, at)
  }
  const pair = (size: number): Pair => ({ client: take(size), server: take(size) })
  return { macs: pair(sizes.macs), materials: pair(sizes.materials), ivs: pair(sizes.ivs) }
}
