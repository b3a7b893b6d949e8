import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CertificateOffice, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

let office: CertificateOffice
let thumbprint: string

beforeAll(async () => {
  office = new CertificateOffice()
  const issued = await office.json('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--name', 'First')
  thumbprint = issued.thumbprint ?? ''
})
afterAll(() => office.remove())

const show = (name: string) => office.json<ShownCertificate>('cert', 'show', name)

describe('a certificate in the store', () => {
  it('issued at once by the lab, is what openssl verifies', async () => {
    expect((await show('First')).usedBy).toEqual([smtp])
    await office.done('ca', 'export', '--out', 'root.pem')
    await office.done('cert', 'export', 'First', '--out', 'first.crt')
    await office.openssl('x509', '-inform', 'DER', '-in', 'first.crt', '-out', 'first.pem')
    const checks = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost']
    expect(await office.openssl('verify', ...checks, '-CAfile', 'root.pem', 'first.pem')).toContain('OK')
  })

  it('is assigned by friendly name and by thumbprint in any writing', async () => {
    await office.done('cert', 'assign', 'First', '--for', 'pop3')
    const colons = (thumbprint.match(/../g) ?? []).join(':').toLowerCase()
    await office.done('cert', 'assign', colons, '--for', imap4)
    expect((await show('First')).usedBy).toEqual([smtp, pop3, imap4])
  })

  it('is only unbound by remove, and can be assigned again', async () => {
    expect(await office.done('cert', 'remove', '--for', imap4)).toContain('stays in the store')
    expect(await office.refused('cert', 'remove', '--for', imap4)).toContain('has no certificate assigned')
    expect((await show('First')).usedBy).toEqual([smtp, pop3])
    await office.done('cert', 'assign', 'First', '--for', imap4)
  })

  it('is replaced by another', async () => {
    await office.done('cert', 'remove', '--for', pop3)
    await office.done('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--name', 'Second')
    const answer = await office.json('cert', 'replace', 'Second', '--for', smtp)
    expect(answer).toMatchObject({ virtualServer: smtp, replaced: thumbprint })
    expect((await show('Second')).usedBy).toEqual([smtp, pop3])
    await office.done('cert', 'remove', '--for', smtp)
    expect(await office.refused('cert', 'replace', 'Second', '--for', smtp)).toContain('no certificate assigned')
  })

  it('is not deleted while in use', async () => {
    expect(await office.refused('cert', 'delete', 'Second')).toMatch(/in use by "Default POP3 Virtual Server"/)
    await office.done('cert', 'remove', '--for', pop3)
    const key = JSON.parse(office.state).certificates.at(-1).key
    expect(await office.done('cert', 'delete', 'Second')).toContain('deleted')
    expect(() => office.text(`certs/${key}`)).toThrow(/ENOENT/)
    expect(await office.refused('cert', 'show', 'Second')).toMatch(/no certificate "Second".*there are: First/)
  })

  it('is not assigned where the file says otherwise, and the line is named', async () => {
    const pinned = office.text('lab.yaml').replace('protocol: imap4,', 'protocol: imap4, certificate: First,')
    office.write('pinned.yaml', pinned)
    const { status, stderr } = await office.run(['cert', 'assign', 'First', '--for', imap4, '--config', 'pinned.yaml'])
    expect(status).toBe(1)
    expect(stderr).toMatch(/pinned\.yaml:6:\d+: virtualServers\[2\]\.certificate.*certificate: First/)
    await office.done('cert', 'remove', '--for', imap4)
    const deleting = await office.run(['cert', 'delete', 'First', '--config', 'pinned.yaml'])
    expect(deleting.stderr).toContain(`in use by "${imap4}"`)
  })
})

describe('sealpost cert renew', () => {
  it('keeps the key or makes a new one; the old certificate stays in the store', async () => {
    await office.done('cert', 'assign', 'First', '--for', smtp)
    const spki = async (name: string): Promise<string> => {
      office.write('one.pem', (await show(name)).certificatePem)
      return office.openssl('x509', '-in', 'one.pem', '-noout', '-pubkey')
    }
    const before = await spki('First')
    const kept = await office.json('cert', 'renew', '--for', smtp)
    expect(kept).toMatchObject({ state: 'renewed', replaces: thumbprint })
    expect(await spki(kept.thumbprint ?? '')).toBe(before)
    expect((await show(kept.thumbprint ?? '')).usedBy).toEqual([smtp])
    const fresh = await office.json('cert', 'renew', kept.thumbprint ?? '', '--new-key')
    expect(await spki(fresh.thumbprint ?? '')).not.toBe(before)
    expect((await show(fresh.thumbprint ?? '')).usedBy).toEqual([smtp])
    expect((await show(thumbprint)).usedBy).toEqual([])
  })

  it('asks the outside authority that issued it, and keeps the old one until the answer is in', async () => {
    await office.outsideAuthority('outside')
    await office.request(pop3, '--o', 'Example Ltd')
    await office.sign('outside', 'certreq.txt', 'answer.pem')
    await office.done('cert', 'install', 'answer.pem')
    const old = await show(pop3)
    expect(await office.done('cert', 'renew', '--for', pop3, '--out', 'renew.txt')).toContain('stays in service')
    expect(await office.openssl('req', '-in', 'renew.txt', '-verify', '-noout', '-subject')).toContain('Example Ltd')
    expect(await show(old.thumbprint)).toMatchObject({ usedBy: [pop3] })
    await office.sign('outside', 'renew.txt', 'answer2.pem')
    await office.done('cert', 'install', 'answer2.pem')
    expect(await show(old.thumbprint)).toMatchObject({ usedBy: [] })
    expect(await show(pop3)).toMatchObject({ usedBy: [pop3], issuedBy: 'outside' })
  })
})
