import { describe, expect, it } from 'vitest'
import { CertificateLab, smtp } from './cert-support.ts'

const pki = new CertificateLab()

const names = async (): Promise<string[]> =>
  (await pki.json<{ name: string; default: boolean }[]>('ca', 'list')).map((one) => one.name + (one.default ? '*' : ''))

// The tests tell one story.
describe('the authorities of a lab', { shuffle: false }, () => {
  it('ca default selects the authority that issues for certificate: auto', async () => {
    await pki.done('ca', 'create', 'root', 'Second Root')
    await pki.done('ca', 'create', 'subordinate', 'Below', '--parent', 'Second Root')
    expect(await pki.done('ca', 'default', 'below')).toBe('"Below" now issues for certificate: auto.\n')
    expect((await names()).filter((name) => name.endsWith('*'))).toEqual(['Below*'])
    expect(await pki.refused('ca', 'default', 'nobody')).toMatch(/no authority "nobody"; there are/)
    await pki.done('ca', 'create', 'subordinate', 'Waiting', '--outside', '--out', 'careq.txt')
    expect(await pki.refused('ca', 'default', 'Waiting')).toContain('has no certificate yet')
    await pki.done('ca', 'create', 'root', 'Narrow', '--permit', 'elsewhere.test')
    expect(await pki.refused('ca', 'default', 'Narrow')).toContain('cannot issue for certificate: auto')
  })

  it('ca delete deletes an authority that nothing needs any more', async () => {
    expect(await pki.refused('ca', 'delete', 'Below')).toContain('Make another one the default first')
    expect(await pki.refused('ca', 'delete', 'Second Root')).toContain('other authorities are below it: "Below"')
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', 'Below')
    await pki.done('ca', 'default', (await names())[0] ?? '')
    expect(await pki.refused('ca', 'delete', 'Below')).toContain(`certificates of it are assigned to "${smtp}"`)
    await pki.done('cert', 'unassign', '--for', smtp)
    expect(await pki.json('ca', 'delete', 'Below')).toEqual({ name: 'Below', issued: 1 })
    await pki.done('ca', 'delete', 'Second Root')
    await pki.done('ca', 'delete', 'Waiting')
    expect((await names()).slice(1)).toEqual(['Narrow'])
  })

  it('ca delete --force deletes one with requests that wait', async () => {
    await pki.done('ca', 'create', 'root', 'Slow', '--type', 'standalone')
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', 'Slow')
    expect(await pki.refused('ca', 'delete', 'Slow')).toContain('requests wait for its approval (1)')
    await pki.done('cert', 'cancel', '--for', smtp)
    await pki.done('ca', 'delete', 'Slow', '--force')
    expect(await names()).not.toContain('Slow')
  })

  it('ca issued --expiring lists what expires within a time', async () => {
    await pki.opensslRequest('soon.test', { key: 'k', out: 'soon.csr' })
    await pki.done('ca', 'sign', 'soon.csr', '--days', '20', '--out', 'soon.pem')
    await pki.done('ca', 'sign', 'soon.csr', '--days', '200', '--out', 'late.pem')
    const within = async (time: string): Promise<string[]> =>
      (await pki.json<{ subject: string }[]>('ca', 'issued', '--expiring', time)).map(({ subject }) => subject)
    expect(await within('30d')).toEqual(['soon.test'])
    expect(await within('36h')).toEqual([])
    expect((await within('200d')).length).toBe(2)
    await pki.done('ca', 'create', 'root', 'Empty')
    expect(await pki.json('ca', 'issued', '--authority', 'Empty')).toEqual([])
    const { status, stderr } = await pki.sealpost('ca', 'issued', '--expiring', 'soon')
    expect([status, stderr]).toEqual([2, expect.stringContaining('30s, 10m, 1h or 2d')])
  })

  it('ca renew renews authorities with the same key: everything below them stays valid', async () => {
    await pki.done('ca', 'create', 'root', 'Old Root', '--days', '400', '--path-length', '1', '--permit', 'localhost')
    await pki.done('ca', 'create', 'subordinate', 'Old Issuing', '--parent', 'Old Root', '--days', '300')
    await pki.opensslRequest('localhost', { key: 'k', out: 'leaf.csr' })
    const sign = (file: string) =>
      pki.done('ca', 'sign', 'leaf.csr', '--authority', 'Old Issuing', '--days', '90', '--out', file)
    await sign('before.pem')
    await pki.done('ca', 'export', 'Old Issuing', '--out', 'old-issuing.pem')
    const renewed = await pki.json('ca', 'renew', 'Old Root', '--days', '4000')
    expect(renewed).toMatchObject({ name: 'Old Root' })
    expect(await pki.done('ca', 'renew', 'old issuing', '--days', '1000')).toMatch(
      /^"Old Issuing" is renewed until 20\d\d-/,
    )
    await sign('after.pem')
    await pki.done('ca', 'export', 'Old Root', '--out', 'new-root.pem')
    await pki.done('ca', 'export', 'Old Issuing', '--out', 'new-issuing.pem')
    // The old certificates and the new ones go together in every way.
    for (const leaf of ['before.pem', 'after.pem']) {
      for (const issuing of ['old-issuing.pem', 'new-issuing.pem']) {
        const args = ['-x509_strict', '-CAfile', 'new-root.pem', '-untrusted', issuing, leaf]
        expect(await pki.openssl('verify', ...args)).toContain('OK')
      }
    }
    const chain = await pki.done('ca', 'export', 'Old Issuing', '--format', 'chain', '--out', '-')
    expect(chain).toContain(pki.text('new-root.pem').trim())
    const text = await pki.openssl('x509', '-in', 'new-root.pem', '-noout', '-text')
    expect(text).toMatch(/CA:TRUE, pathlen:1[\s\S]*Permitted:\s+DNS:localhost/)
    await pki.done('ca', 'create', 'subordinate', 'Outside', '--outside', '--out', 'outside.txt')
    expect(await pki.refused('ca', 'renew', 'Outside')).toContain('has no certificate yet')
  })
})
