import { createHash } from 'node:crypto'
import type { KeySchedule, Side } from './key-schedule.ts'
import type { MacName } from './suites.ts'

/** The two pads of SSL 3.0's MAC: 48 octets for MD5, 40 for SHA-1. RFC 6101 section 5.2.3.1. */
export const ssl3Pads = {
  md5: { inner: Buffer.alloc(48, 0x36), outer: Buffer.alloc(48, 0x5c) },
  sha1: { inner: Buffer.alloc(40, 0x36), outer: Buffer.alloc(40, 0x5c) },
} as const satisfies Record<MacName, { inner: Buffer; outer: Buffer }>

const senders: Record<Side, Buffer> = { client: Buffer.from('CLNT', 'latin1'), server: Buffer.from('SRVR', 'latin1') }

/** MD5(secret + SHA(label + secret + seed)) with the labels A, BB, CCC … RFC 6101 sections 6.1, 6.2.2. */
function expand(secret: Buffer, seed: readonly [Buffer, Buffer], octets: number): Buffer {
  const out: Buffer[] = []
  for (let i = 1; (i - 1) * 16 < octets; i++) {
    const inner = createHash('sha1').update(Buffer.alloc(i, 0x40 + i))
    inner.update(secret).update(seed[0]).update(seed[1])
    out.push(createHash('md5').update(secret).update(inner.digest()).digest())
  }
  return Buffer.concat(out).subarray(0, octets)
}

/** SSL 3.0. RFC 6101 sections 5.6.9, 6.1, 6.2.2, 6.2.2.1. */
export const ssl3KeySchedule: KeySchedule = {
  masterSecret: (preMaster, { client, server }) => expand(preMaster, [client, server], 48),
  keyBlock: (master, { client, server }, octets) => expand(master, [server, client], octets),
  exportKey(side, material, { client, server }, octets) {
    const [first, second] = side === 'client' ? [client, server] : [server, client]
    return createHash('md5').update(material).update(first).update(second).digest().subarray(0, octets)
  },
  exportIv(side, { client, server }, octets) {
    const [first, second] = side === 'client' ? [client, server] : [server, client]
    return createHash('md5').update(first).update(second).digest().subarray(0, octets)
  },
  finished: (side, master, transcript) =>
    Buffer.concat([finishedHash('md5', side, master, transcript), finishedHash('sha1', side, master, transcript)]),
}

function finishedHash(hash: MacName, side: Side, master: Buffer, transcript: readonly Buffer[]): Buffer {
  const { inner, outer } = ssl3Pads[hash]
  const state = createHash(hash)
  for (const message of transcript) state.update(message)
  const digest = state.update(senders[side]).update(master).update(inner).digest()
  return createHash(hash).update(master).update(outer).update(digest).digest()
}
