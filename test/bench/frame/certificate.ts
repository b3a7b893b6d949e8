import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface PeerCertificate {
  readonly key: string
  readonly cert: string
  /** PEM of the issuing authority. */
  readonly ca: string
}

/** Creates the kind of certificate that a lab uses by default: `localhost`, RSA 2048, issued by an authority that is not sent along. */
export function peerCertificate(): PeerCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  const file = (name: string): string => join(folder, name)
  const issue = (name: string, ...options: string[]): void => {
    const kind = ['-newkey', 'rsa:2048', '-nodes', '-days', '2']
    const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)]
    execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...options], { stdio: 'ignore' })
  }
  try {
    issue('ca', '-subj', '/CN=Bench authority')
    const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')]
    const extensions = [
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      'extendedKeyUsage=serverAuth',
    ]
    issue('host', '-subj', '/CN=localhost', ...issuer, ...extensions.flatMap((extension) => ['-addext', extension]))
    const [key = '', cert = '', ca = ''] = ['host.key', 'host.pem', 'ca.pem'].map((each) =>
      readFileSync(file(each), 'utf8'),
    )
    return { key, cert, ca }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
