import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMailProtocol, serverProtocols } from '../../../../src/core/config/schema.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { newFolder } from '../../../support/folder.ts'
import { sClient } from '../../../support/openssl.ts'

const GET = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

describe('OCSP stapling', () => {
  it('works on all protocols, with implicit TLS and STARTTLS', async () => {
    const folder = newFolder()
    await using lab = await startLab({
      virtualServers: serverProtocols.map((protocol) => ({
        protocol,
        port: 0,
        tlsPort: 0,
        tls: { ocspStapling: true },
      })),
    })
    const root = join(folder, 'root.pem')
    writeFileSync(root, lab.ca)
    const common = ['-status', '-CAfile', root, '-verify_return_error', '-verify_hostname', 'localhost']
    const quit = {
      smtp: 'QUIT\r\n',
      pop3: 'QUIT\r\n',
      imap4: 'a LOGOUT\r\n',
      nntp: 'QUIT\r\n',
      lmtp: 'QUIT\r\n',
      managesieve: 'LOGOUT\r\n',
      http: GET,
    }
    const names = { smtp: 'smtp', pop3: 'pop3', imap4: 'imap', nntp: 'nntp' }
    for (const protocol of serverProtocols) {
      const { port, tlsPort } = lab.server(protocol)
      const implicit = await sClient([...common, '-connect', `127.0.0.1:${tlsPort}`], quit[protocol])
      expect(implicit, protocol).toMatch(/OCSP Response Status: successful[\s\S]*Cert Status: good/)
      if (!isMailProtocol(protocol)) continue
      const starttls = ['-starttls', names[protocol], '-connect', `127.0.0.1:${port}`]
      const upgraded = await sClient([...common, ...starttls], quit[protocol])
      expect(upgraded, protocol).toMatch(/OCSP Response Status: successful[\s\S]*Cert Status: good/)
    }
  })

  it('reports the revocation of a certificate that is still in use', async () => {
    await using lab = await startLab({
      virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0, tls: { ocspStapling: true } }],
    })
    const issued = await lab.certificates.issue({ for: 'imap4', resolver: async () => ['127.0.0.1'] })
    if (issued.state !== 'issued') throw new Error(issued.state)
    await lab.authorities.revoke(issued.record.thumbprint, 'keyCompromise')
    const args = ['-status', '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`]
    await expect
      .poll(() => sClient(args, 'a LOGOUT\r\n'), { timeout: 20_000, interval: 100 })
      .toMatch(/Cert Status: revoked[\s\S]*keyCompromise/)
  })

  it('is off by default', async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0 }] })
    const output = await sClient(['-status', '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`], 'a LOGOUT\r\n')
    expect(output).toContain('OCSP response: no response sent')
  })
})
