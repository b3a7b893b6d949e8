import { X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { readClientHello } from './client-hello-reader.ts'
import { cipherString, type TlsPolicy } from './policy.ts'
import { suiteName } from './suites.ts'

/** The versions and suites that node:tls can negotiate with a policy and certificates. */
export interface NodeCapabilities {
  readonly policy: TlsPolicy
  /** IANA code points. */
  readonly suites: ReadonlySet<number>
}

/** Oldest first. */
const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/**
 * Finds the suites that a policy's cipher string allows. Only OpenSSL can read such a string, so a client with the same
 * policy is started, and its ClientHello shows the suites.
 */
export async function nodeCapabilities(
  policy: TlsPolicy,
  certificates: readonly InstalledCertificate[],
): Promise<NodeCapabilities> {
  const keys = new Set(certificates.map(({ certificatePem }) => keyKind(certificatePem)))
  const offered = await offeredSuites(policy)
  return { policy, suites: new Set(offered.filter((id) => isServable(suiteName(id), keys))) }
}

/** Returns whether a client and node:tls have a version and a suite in common. */
export function nodeCanServe(hello: ClientHelloFacts, { policy, suites }: NodeCapabilities): boolean {
  const allowed = versions.slice(versions.indexOf(policy.minVersion), versions.indexOf(policy.maxVersion) + 1)
  // A client without supported_versions accepts its highest version and all below.
  const highest = (versions as readonly (string | undefined)[]).indexOf(hello.versions[0])
  const offered = hello.versions.length > 1 ? hello.versions : versions.slice(0, highest + 1)
  const common = allowed.filter((version) => offered.includes(version)).at(-1)
  return common !== undefined && hello.suites.some((id) => suites.has(id) && worksWith(suiteName(id), common))
}

function offeredSuites(policy: TlsPolicy): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    let sent: Buffer = Buffer.alloc(0)
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        sent = Buffer.concat([sent, chunk])
        const result = readClientHello(sent)
        if (result.kind === 'hello') {
          resolve(result.facts.suites)
          // `connect` has not returned yet: it writes the ClientHello.
          setImmediate(() => client.destroy())
        }
        done()
      },
    })
    const { minVersion, maxVersion } = policy
    const client = tls.connect({ socket: wire, minVersion, maxVersion, ciphers: cipherString(policy) })
    client.on('error', reject)
  })
}

function keyKind(certificatePem: string): string {
  return new X509Certificate(certificatePem).publicKey.asymmetricKeyType === 'rsa' ? 'RSA' : 'ECDSA'
}

/**
 * Returns whether a suite can be used with one of the key types. Suites of TLS 1.3 work with all of them. Suites with
 * pre-shared keys or without authentication are not offered.
 */
function isServable(name: string, keys: ReadonlySet<string>): boolean {
  const exchange = /^TLS_(.+)_WITH_/.exec(name)?.[1]
  if (exchange === undefined) return true
  return (exchange === 'RSA' || /^(EC)?DHE_(RSA|ECDSA)$/.test(exchange)) && keys.has(exchange.replace(/^.*_/, ''))
}

/** Returns whether a suite works with a version. AEAD and SHA-2 suites require TLS 1.2: RFC 5246 appendix A.5. */
function worksWith(name: string, version: (typeof versions)[number]): boolean {
  const isOf13 = !name.includes('_WITH_')
  if (version === 'TLSv1.3' || isOf13) return version === 'TLSv1.3' && isOf13
  return version === 'TLSv1.2' || !/_(SHA256|SHA384|CCM|CCM_8)$/.test(name)
}
