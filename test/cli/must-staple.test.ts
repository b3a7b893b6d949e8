import { beforeEach, describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { isThorough } from '../support/thorough.ts'
import { CertificateLab, imap4, smtp } from './cert-support.ts'

const yaml = (stapling: boolean): string => `hostname: localhost
certificates: { store: certs, key: p256, profiles: { strict: { purposes: [serverAuth], mustStaple: true } } }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: smtp, port: 0, tls: { ocspStapling: ${stapling} } }
  - { protocol: imap4, port: 0, tlsPort: 0, tls: { ocspStapling: ${stapling} } }
`
const warning = `${imap4}: the certificate "${imap4}" requires a stapled OCSP response (must-staple), and the virtual server staples none; set tls.ocspStapling: true`

let pki: CertificateLab
beforeEach(async () => {
  pki = new CertificateLab(yaml(false))
  await pki.done('cert', 'issue', '--for', imap4, '--cn', 'localhost', '--profile', 'must-staple')
})

const features = async (virtualServer: string): Promise<string> => {
  const { certificatePem } = await pki.certificateOf(virtualServer)
  pki.write('served.pem', certificatePem)
  return pki.openssl('x509', '-in', 'served.pem', '-noout', '-ext', 'tlsfeature')
}

describe('a certificate of the profile must-staple', () => {
  it.runIf(isThorough)(
    'has the TLS feature status_request, also when it is renewed or of a configured profile',
    async () => {
      expect(await features(imap4)).toMatch(/TLS Feature:\s+status_request/)
      await pki.done('cert', 'renew', '--for', imap4)
      expect(await features(imap4)).toMatch(/TLS Feature:\s+status_request/)
      await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--profile', 'strict')
      expect(await features(smtp)).toMatch(/TLS Feature:\s+status_request/)
      await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--profile', 'server')
      await expect(features(smtp)).resolves.not.toMatch(/status_request/)
    },
  )

  it('makes check warn where no response is stapled', async () => {
    expect(await pki.sealpost('check')).toMatchObject({ status: 0, stderr: `warning: ${warning}\n` })
    pki.write('lab.yaml', yaml(true))
    expect(await pki.sealpost('check')).toMatchObject({ status: 0, stderr: '' })
  })

  it.skipIf(!needs('gnutls-cli'))('is refused by GnuTLS without a response, and accepted with one', async () => {
    await pki.done('ca', 'export', '--out', 'root.pem')
    for (const stapling of [false, true]) {
      pki.write('lab.yaml', yaml(stapling))
      await using running = await pki.start(['--config', 'lab.yaml'])
      const port = String(running.endpoint('imap4').tlsPort)
      const trust = ['--x509cafile', pki.path('root.pem'), '-p', port, 'localhost']
      const { status, stdout } = await runProgram('gnutls-cli', trust, { input: 'a LOGOUT\r\n' })
      expect([stapling, status], stdout).toEqual([stapling, stapling ? 0 : 1])
      expect(stdout).toMatch(
        stapling
          ? /Status: The certificate is trusted/
          : /(?:must-staple|requires the server to include an OCSP status)/i,
      )
      const verified = await pki.sealpost('verify', '-v', '--check', 'revocation')
      expect(verified.status).toBe(stapling ? 0 : 1)
      expect(verified.stdout).toMatch(
        stapling
          ? /good, according to a stapled OCSP response/
          : /requires a stapled OCSP response \(must-staple\), and the server sends none/,
      )
    }
  })
})
