import { createHmac } from 'node:crypto'

/** Computes P_hash. RFC 2246 section 5, RFC 5246 section 5. */
export function pHash(hash: string, secret: Buffer, seed: Buffer, octets: number): Buffer {
  const out: Buffer[] = []
  let a = seed
  for (let filled = 0; filled < octets; filled += (out.at(-1) as Buffer).length) {
    a = createHmac(hash, secret).update(a).digest()
    out.push(createHmac(hash, secret).update(a).update(seed).digest())
  }
  return Buffer.concat(out).subarray(0, octets)
}
