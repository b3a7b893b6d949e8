import { describe, expect, it } from 'vitest'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.outsideAuthority('outside')

/** Installs a certificate of the outside authority that is valid for some days. */
async function install(server: string, days: number, ...args: readonly string[]): Promise<void> {
  await pki.request(server, ...args)
  await pki.sign('outside', 'certreq.txt', 'answer.pem', '-days', String(days))
  await pki.done('cert', 'install', 'answer.pem')
}

async function check(): Promise<string> {
  const { stdout, stderr } = await pki.sealpost('check')
  return stdout + stderr
}

// The tests tell one story.
describe('certificates with a remark', { shuffle: false }, () => {
  it('sealpost check warns about certificates that expire in 30, 7 and 1 days', async () => {
    await install(smtp, 20)
    await install(pop3, 5)
    await install(imap4, 1)
    const shown = await check()
    expect(shown).toMatch(new RegExp(`warning: ${smtp}: the certificate "${smtp}" expires in (19|20) days`))
    expect(shown).toMatch(new RegExp(`warning: ${pop3}: .* expires in [45] days`))
    expect(shown).toMatch(new RegExp(`warning: ${imap4}: .* expires within a day`))
    expect(shown).toMatch(/incomplete chain: outside is not known here/)
  })

  it('sealpost check warns about small keys and wrong names', async () => {
    await pki.done('cert', 'unassign', '--for', smtp)
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'other.test', '--bits', '1024', '--name', 'Small')
    const shown = await check()
    expect(shown).toMatch(/"Small" has a key of 1024 bits; current TLS policies require at least 2048/)
    expect(shown).toMatch(/"Small" is not issued to localhost, but to DNS:other\.test/)
  })

  it('sealpost check fails for a revoked certificate', async () => {
    const { thumbprint } = await pki.json('cert', 'show', 'Small')
    await pki.done('ca', 'revoke', thumbprint ?? '')
    const { status, stderr, stdout } = await pki.sealpost('check')
    expect(stdout + stderr).toMatch(/"Small" is revoked/)
    expect(status).toBe(1)
  })
})
