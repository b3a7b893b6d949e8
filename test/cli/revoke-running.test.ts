import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { afterAll, expect, it } from 'vitest'
import { CertificateLab } from './cert-support.ts'

const pki = new CertificateLab(`hostname: localhost
certificates: { store: certs, key: p256, service: { address: 127.0.0.1, port: 0 } }
virtualServers:
  - { protocol: imap4, port: 0, tlsPort: 0 }
`)
const running = await pki.start(['--config', 'lab.yaml'])
afterAll(() => running.end())

/** Returns the certificate that the lab serves, in PEM. */
const served = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const ca = pki.text('root.pem')
    const socket = connect({
      host: '127.0.0.1',
      port: running.endpoint('imap4').tlsPort ?? 0,
      ca,
      servername: 'localhost',
    })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '')
      socket.destroy()
    })
  })

it('OCSP and the CRL of a running lab report a revocation immediately', async () => {
  await pki.done('ca', 'export', '--out', 'root.pem')
  writeFileSync(pki.path('auto.pem'), await served())
  const ocsp = (await pki.openssl('x509', '-in', 'auto.pem', '-noout', '-ocsp_uri')).trim()
  const crl = /URI:(\S+)/.exec(
    await pki.openssl('x509', '-in', 'auto.pem', '-noout', '-ext', 'crlDistributionPoints'),
  )?.[1]
  const download = async (url: string, init?: RequestInit): Promise<Buffer> =>
    Buffer.from(await (await fetch(url, init)).arrayBuffer())
  // The certificate is not used by the lab, which would replace it.
  for (const name of ['one', 'two', 'three']) {
    await pki.openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'k',
      '-subj',
      `/CN=${name}.test`,
      '-out',
      'r.csr',
    )
    const { serial = '' } = await pki.json('ca', 'sign', 'r.csr', '--out', 'leaf.pem')
    await pki.openssl('ocsp', '-issuer', 'root.pem', '-cert', 'leaf.pem', '-no_nonce', '-reqout', 'request.der')
    const body = readFileSync(pki.path('request.der'))
    const status = async (): Promise<string> => {
      writeFileSync(pki.path('answer.der'), await download(ocsp, { method: 'POST', body }))
      return pki.openssl(
        'ocsp',
        '-issuer',
        'root.pem',
        '-cert',
        'leaf.pem',
        '-CAfile',
        'root.pem',
        '-no_nonce',
        '-respin',
        'answer.der',
      )
    }
    const listed = async (): Promise<string> => {
      writeFileSync(pki.path('list.crl'), await download(crl ?? ''))
      return pki.openssl('crl', '-in', 'list.crl', '-noout', '-text')
    }
    expect(await status()).toMatch(/: good/)
    expect(await listed()).not.toContain(serial)
    await pki.done('ca', 'revoke', serial)
    const [answer, list] = await Promise.all([status(), listed()])
    expect(answer).toMatch(/: revoked/)
    expect(list).toContain(serial)
  }
})
