import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { CertificateLab } from './cert-support.ts'

/** OpenSSL 3.5, which Node.js 24.6 and later contain. */
const hasMlDsa = /^(?:3\.[5-9]|[4-9])/.test(process.versions.openssl)

const config = `hostname: localhost
certificates: { store: certs, key: p256, profiles: { brief: { purposes: [serverAuth], key: p384, lifetime: 1d } } }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: pop3, port: 0, tlsPort: off, certificate: none }
`

function newLab(): CertificateLab {
  const lab = new CertificateLab(config)
  return lab
}

interface Issued {
  readonly virtualServer: string
  readonly thumbprint: string
}

it.each([
  ['modern', 'P-256', 'ecdsa-with-SHA256', 90],
  ['intermediate', 'P-256', 'ecdsa-with-SHA256', 366],
  ['old', '2048 bit', 'ecdsa-with-SHA256', 366],
  ['outlook-express', '2048 bit', 'ecdsa-with-SHA1', 366],
  ['brief', 'P-384', 'ecdsa-with-SHA256', 1],
  ...(hasMlDsa ? [['pqc', 'ML-DSA-65', 'ecdsa-with-SHA256', 397] as const] : []),
] as const)(
  'cert issue --for all --profile %s issues one to every server that can use it',
  async (name, key, signature, days) => {
    const lab = newLab()
    const issued = await lab.json<Issued[]>('cert', 'issue', '--for', 'all', '--profile', name)
    expect(issued.map(({ virtualServer }) => virtualServer)).toEqual([
      'Default SMTP Virtual Server',
      'Default IMAP4 Virtual Server',
    ])
    expect(new Set(issued.map(({ thumbprint }) => thumbprint)).size).toBe(2)
    const { certificatePem } = await lab.json<{ certificatePem: string }>('cert', 'show', issued[0]?.thumbprint ?? '')
    lab.write('leaf.pem', certificatePem)
    const text = await lab.openssl('x509', '-in', 'leaf.pem', '-noout', '-text')
    expect(text).toContain(key)
    expect(text).toContain(`Signature Algorithm: ${signature}`)
    const { validFrom, validTo } = new X509Certificate(certificatePem)
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(days * 86_400_000)
  },
)

it('options replace what a profile says, and mistakes are refused', async () => {
  const lab = newLab()
  const all = ['cert', 'issue', '--for', 'all', '--profile', 'modern']
  const [first] = await lab.json<Issued[]>(...all, '--curve', 'P-384', '--days', '7')
  const { key } = await lab.json<{ key: string }>('cert', 'show', first?.thumbprint ?? '')
  expect(key).toBe('P-384')
  const { stderr } = await lab.sealpost(...all, '--name', 'One')
  expect(stderr).toMatch(/--name names one certificate; leave it out/)
  expect(await lab.refused('cert', 'issue', '--for', 'imap4', '--profile', 'newest')).toMatch(
    /no certificate profile "newest"; there are: server, .*modern, intermediate, old, outlook-express, pqc, brief/,
  )
})

it('reports every server, also those that get no certificate', async () => {
  const lab = newLab()
  const { status, stdout } = await lab.sealpost(
    'cert',
    'issue',
    '--for',
    'all',
    '--acme',
    'http://127.0.0.1:1/',
    '--json',
  )
  const failed = { state: 'failed', error: expect.stringContaining('cannot be reached') }
  expect([status, JSON.parse(stdout)]).toEqual([
    1,
    ['Default SMTP Virtual Server', 'Default IMAP4 Virtual Server'].map((virtualServer) => ({
      virtualServer,
      ...failed,
    })),
  ])
})
