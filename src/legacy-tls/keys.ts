import { cipherStream } from './ciphers.ts'
import { keySchedules, type Randoms, type Side } from './key-schedule.ts'
import { macOctets, recordMac } from './mac.ts'
import { blockProtection, type Protection, streamProtection } from './protection.ts'
import { bulkCiphers, type LegacySuite, type LegacyVersion } from './suites.ts'

/** What a handshake agreed on. A resumed handshake takes the master secret from its session. */
export interface Agreement {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly master: Buffer
  readonly randoms: Randoms
}

/** Derives the protection of what one side reads (the peer's keys) and writes (its own keys). RFC 2246 section 6.3. */
export function protections(agreement: Agreement, side: Side): { input: Protection; output: Protection } {
  const { version, suite, randoms } = agreement
  const schedule = keySchedules[version]
  const cipher = bulkCiphers[suite.cipher]
  const isExport = suite.exchange !== 'rsa'
  const { macs, materials, ivs } = partition(agreement, isExport)

  const protection = (writer: Side): Protection => {
    const material = materials[writer]
    // RFC 2246 section 6.3.1: export suites derive their keys from the key material in one more step.
    const key = isExport ? schedule.exportKey(writer, material, randoms, cipher.keyOctets) : material
    const iv = isExport ? schedule.exportIv(writer, randoms, cipher.blockOctets) : ivs[writer]
    const stream = cipherStream(cipher, key, iv, writer === side ? 'encrypt' : 'decrypt')
    const mac = recordMac(version, suite.mac, macs[writer])
    if (cipher.blockOctets === 0) return streamProtection(stream, mac)
    return blockProtection(stream, mac, version, cipher.blockOctets)
  }
  return { input: protection(side === 'server' ? 'client' : 'server'), output: protection(side) }
}

/** Cuts the key block into MAC secrets, keys and initialization vectors; of each, the client's comes first. */
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
  const pair = (size: number): Record<Side, Buffer> => ({ client: take(size), server: take(size) })
  return { macs: pair(sizes.macs), materials: pair(sizes.materials), ivs: pair(sizes.ivs) }
}

/** Returns a line of the NSS key log, which Wireshark reads. The client's random value identifies the session. */
export function keyLogLine({ randoms, master }: Agreement): Buffer {
  return Buffer.from(`CLIENT_RANDOM ${randoms.client.toString('hex')} ${master.toString('hex')}\n`, 'latin1')
}
