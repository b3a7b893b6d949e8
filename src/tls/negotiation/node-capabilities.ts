import { X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { setImmediate } from '../../core/time/real-timers.ts'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHello } from './client-hello.ts'
import { readClientHello } from './client-hello-reader.ts'
import { contextOptions, type TlsPolicy } from './policy.ts'
import { type ServerKey, serverKey } from './server-key.ts'
import { suiteName } from './suites.ts'

/** The parameters that node:tls can negotiate with a policy and certificates. All numbers are code points. */
export interface NodeCapabilities {
  /** Oldest first. */
  readonly versions: readonly number[]
  /** In the order of preference. */
  readonly suites: readonly number[]
  readonly signatureAlgorithms: readonly number[]
  readonly groups: readonly number[]
  readonly keys: readonly ServerKey[]
}

/** Numbers of the versions on the wire. */
const versionNumbers = { TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const
export const TLS12 = versionNumbers['TLSv1.2']
export const TLS13 = versionNumbers['TLSv1.3']
const RSA_PKCS1_SHA1 = 0x0201

/**
 * Finds out what node:tls negotiates with a certificate. Only OpenSSL can read a cipher string, and its security level also
 * limits versions and signatures. So a client with the same options is started, and its ClientHello shows them.
 * @param companions served to clients that cannot verify the first certificate
 */
export async function nodeCapabilities(
  policy: TlsPolicy,
  certificate: InstalledCertificate,
  companions: readonly InstalledCertificate[] = [],
): Promise<NodeCapabilities> {
  const { key: _key, cert: _cert, ...options } = contextOptions(policy, certificate, companions)
  const { suites, extensions } = await ownHello(options)
  const signatureAlgorithms = extensions.signatureAlgorithms ?? []
  // OpenSSL 3 negotiates TLS 1.0 and 1.1 only at security level 0, the one level that allows SHA-1.
  const allowsOld = signatureAlgorithms.length === 0 || signatureAlgorithms.includes(RSA_PKCS1_SHA1)
  const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' } = options
  const [first, last] = [versionNumbers[minVersion], versionNumbers[maxVersion]]
  return {
    versions: Object.values(versionNumbers).filter(
      (version) => version >= first && version <= last && (version >= TLS12 || allowsOld),
    ),
    suites: suites.filter((id) => !needsSharedSecret(suiteName(id))),
    signatureAlgorithms,
    groups: extensions.groups ?? [],
    keys: [certificate, ...companions].map(({ certificatePem }) => serverKey(new X509Certificate(certificatePem))),
  }
}

/** Returns whether a suite needs a pre-shared key or a password, which no virtual server has. */
const needsSharedSecret = (name: string): boolean => /PSK|_SRP_|SCSV/.test(name)

/** Returns the ClientHello of a client with some options. */
function ownHello(options: tls.ConnectionOptions): Promise<ClientHello> {
  return new Promise((resolve, reject) => {
    let sent: Buffer = Buffer.alloc(0)
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        sent = Buffer.concat([sent, chunk])
        const result = readClientHello(sent)
        if (result.kind === 'hello') {
          resolve(result.hello)
          // `connect` has not returned yet: it writes the ClientHello.
          setImmediate(() => client.destroy())
        }
        done()
      },
    })
    const client = tls.connect({ socket: wire, ...options })
    client.on('error', reject)
  })
}
