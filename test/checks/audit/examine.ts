import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { revocation } from '../../../src/checks/verify/checks/revocation.ts'
import { NotTested } from '../../../src/checks/verify/types.ts'

/** The least bits of an RSA key. */
const MIN_RSA_BITS = 2_048

/**
 * Examines a certificate beyond what Node.js verifies: revocation, must-staple, the length of the key, subjectAltName, and
 * that it is no authority's certificate.
 * @throws if a careful client refuses it
 */
export async function examine(socket: TLSSocket, ca: string, staple: Buffer | undefined): Promise<void> {
  const certificates = chainOf(socket)
  const [leaf] = certificates
  if (!leaf) throw new Error('no certificate')
  const { modulusLength } = leaf.publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) throw new Error(`a key of ${modulusLength} bits`)
  if (leaf.subjectAltName === undefined) throw new Error('no subjectAltName')
  if (leaf.ca) throw new Error('the certificate of an authority')
  const probe = {
    tls: async () => ({ certificates, staple }),
    roots: [new X509Certificate(ca)],
    options: { now: () => Date.now(), timeoutMs: 5_000 },
  }
  const found = await revocation.run(probe as never).catch((error: unknown) => {
    // The certificate says nothing about where its status is published.
    if (error instanceof NotTested) return undefined
    throw error
  })
  if (found?.outcome === 'fail') throw new Error(found.words)
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // A root is its own issuer.
  while (next?.raw && !chain.some(({ raw }) => next?.raw.equals(raw))) {
    chain.push(new X509Certificate(next.raw))
    next = next.issuerCertificate
  }
  return chain
}
