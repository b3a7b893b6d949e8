import { createHash, createHmac } from 'node:crypto'
import type { KeySchedule, Randoms, Side } from './key-schedule.ts'

/** P_hash. RFC 2246 section 5. */
function expand(hash: 'md5' | 'sha1', secret: Buffer, seed: Buffer, octets: number): Buffer {
  const out: Buffer[] = []
  let a = seed
  for (let filled = 0; filled < octets; filled += (out.at(-1) as Buffer).length) {
    a = createHmac(hash, secret).update(a).digest()
    out.push(createHmac(hash, secret).update(a).update(seed).digest())
  }
  return Buffer.concat(out).subarray(0, octets)
}

/** The pseudo-random function: MD5 over the secret's first half, SHA-1 over its second. RFC 2246 section 5. */
export function prf(secret: Buffer, label: string, seed: Buffer, octets: number): Buffer {
  const half = Math.ceil(secret.length / 2)
  const labelled = Buffer.concat([Buffer.from(label, 'latin1'), seed])
  const left = expand('md5', secret.subarray(0, half), labelled, octets)
  const right = expand('sha1', secret.subarray(secret.length - half), labelled, octets)
  for (let i = 0; i < octets; i++) left[i] = (left[i] as number) ^ (right[i] as number)
  return left
}

const clientFirst = ({ client, server }: Randoms): Buffer => Buffer.concat([client, server])
const serverFirst = ({ client, server }: Randoms): Buffer => Buffer.concat([server, client])

/** TLS 1.0. RFC 2246 sections 6.3, 6.3.1, 7.4.9, 8.1. */
export const tls10KeySchedule: KeySchedule = {
  masterSecret: (preMaster, randoms) => prf(preMaster, 'master secret', clientFirst(randoms), 48),
  keyBlock: (master, randoms, octets) => prf(master, 'key expansion', serverFirst(randoms), octets),
  exportKey: (side, material, randoms, octets) => prf(material, `${side} write key`, clientFirst(randoms), octets),
  exportIv(side, randoms, octets) {
    const block = prf(Buffer.alloc(0), 'IV block', clientFirst(randoms), 2 * octets)
    return side === 'client' ? block.subarray(0, octets) : block.subarray(octets)
  },
  finished(side: Side, master, transcript) {
    const digests = Buffer.concat([digest('md5', transcript), digest('sha1', transcript)])
    return prf(master, `${side} finished`, digests, 12)
  },
}

function digest(hash: 'md5' | 'sha1', parts: readonly Buffer[]): Buffer {
  const state = createHash(hash)
  for (const part of parts) state.update(part)
  return state.digest()
}
