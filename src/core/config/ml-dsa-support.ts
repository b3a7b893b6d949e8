import { generateKeyPairSync } from 'node:crypto'

let supported: boolean | undefined

/** Returns whether this Node.js has ML-DSA. It depends on the version of Node.js and on its OpenSSL, so it is tried. */
export function supportsMlDsa(): boolean {
  if (supported === undefined) {
    try {
      // The types of Node.js 20 do not know it.
      generateKeyPairSync('ml-dsa-44' as 'ed25519')
      supported = true
    } catch {
      supported = false
    }
  }
  return supported
}

/** Returns why this Node.js cannot use ML-DSA keys; undefined if it can. */
export function mlDsaProblem(): string | undefined {
  if (supportsMlDsa()) return undefined
  const { node, openssl } = process.versions
  return `ML-DSA keys need Node.js 24.6 or later with OpenSSL 3.5; this is Node.js ${node} with OpenSSL ${openssl}`
}
