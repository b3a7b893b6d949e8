import { describe, expect, it } from 'vitest'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import { newFolder } from '../../support/folder.ts'
import { put, run, storeOptions } from './support.ts'

describe('certificate: auto for clients of the 1990s', () => {
  it('is RSA and SHA-1 under a separate root, and does not change that of other clients', async () => {
    const folder = newFolder()
    await using store = await openCertificateStore(storeOptions(folder))
    const [old] = await store.resolve('a', { kind: 'auto' }, ['localhost'], 'old')
    const [modern] = await store.resolve('a', { kind: 'auto' }, ['localhost'])
    expect(await store.resolve('b', { kind: 'auto' }, ['localhost'], 'old')).toEqual([old])
    expect(modern?.thumbprint).not.toBe(old?.thumbprint)
    const root = await put(folder, 'root.pem', await store.oldClientRootPem())
    const leaf = await put(folder, 'leaf.pem', old?.certificatePem ?? '')
    for (const file of [root, leaf]) {
      const { out } = await run('openssl', ['x509', '-in', file, '-noout', '-text'])
      expect(out).toContain('Signature Algorithm: sha1WithRSAEncryption')
      expect(out).toContain('Public-Key: (2048 bit)')
    }
    const verify = ['verify', '-auth_level', '0', '-check_ss_sig', '-verify_hostname', 'localhost', '-CAfile', root]
    expect(await run('openssl', [...verify, leaf])).toMatchObject({ code: 0 })
  })

  it('uses an assigned or named certificate for every client', async () => {
    await using store = await openCertificateStore(storeOptions('memory'))
    const [modern] = await store.resolve('a', { kind: 'auto' }, ['localhost'])
    const pinned = modern?.thumbprint ?? ''
    expect(await store.resolve('a', { kind: 'named', name: pinned }, ['localhost'], 'old')).toEqual([modern])
    expect(await store.resolve('a', { kind: 'assigned' }, ['localhost'], 'old')).toEqual([])
  })
})
