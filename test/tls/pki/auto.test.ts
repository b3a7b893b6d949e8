import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificateNames } from '../../../src/tls/pki/certificate/names.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { newFolder } from '../../support/folder.ts'
import { some } from '../../support/thorough.ts'
import { deferred, memoryLog, put, run, storeOptions } from './support.ts'

const names = certificateNames('mail.example.test', ['192.0.2.7', 'mail'])
const DAY_MS = 86_400_000

describe.each(some(['rsa-2048', 'rsa-3072', 'p256', 'p384', 'ed25519'] as const, 2))('certificate: auto, %s', (key) => {
  it('is accepted by openssl and GnuTLS', async () => {
    const folder = newFolder()
    await using store = await openCertificateStore(storeOptions('memory', { key }))
    const [installed] = await store.resolve('Default SMTP Virtual Server', { kind: 'auto' }, names)
    const root = await put(folder, 'root.pem', store.rootPem)
    const leaf = await put(folder, 'leaf.pem', installed?.certificatePem ?? '')
    const keyFile = await put(folder, 'key.pem', installed?.privateKeyPem ?? '')
    const verify = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', '-CAfile', root]
    for (const name of names) {
      const option = /^[\d.]+$|:/.test(name) ? '-verify_ip' : '-verify_hostname'
      expect(await run('openssl', [...verify, option, name, leaf])).toMatchObject({ code: 0 })
    }
    expect(await run('openssl', [...verify, '-verify_hostname', 'other.test', leaf])).not.toMatchObject({ code: 0 })
    const own = await run('openssl', ['verify', '-x509_strict', '-CAfile', root, root])
    expect(own).toMatchObject({ code: 0 })
    expect(await run('openssl', ['pkey', '-in', keyFile, '-check', '-noout'])).toMatchObject({ code: 0 })
    const gnutls = ['--verify', '--load-ca-certificate', root, '--infile', leaf, '--verify-hostname=mail.example.test']
    expect(await run('certtool', gnutls)).toMatchObject({ code: 0 })
  })
})

describe('the certificate store', () => {
  it('issues one certificate to all virtual servers with the same names', async () => {
    await using store = await openCertificateStore(storeOptions('memory'))
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((server) => store.resolve(server, { kind: 'auto' }, names)))
    expect(new Set(all.flat().map(({ thumbprint }) => thumbprint)).size).toBe(1)
    const certificate = new X509Certificate(all[0]?.[0]?.certificatePem ?? '')
    const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / DAY_MS
    expect(days).toBeLessThanOrEqual(397)
    expect(BigInt(`0x${certificate.serialNumber}`)).toBeGreaterThan(0n)
  })

  it('makes the folder of a new checkout private, and ignores its README.md', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    await mkdir(path, { mode: 0o755 })
    await writeFile(join(path, 'README.md'), '# A page\n')
    await using store = await openCertificateStore(storeOptions(path))
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect(await store.files.list()).toContain('store.json')
    expect(await store.files.list()).not.toContain('README.md')
  })

  it('keeps keys and certificates in a private folder, and reads them when it is opened again', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    const first = await openCertificateStore(storeOptions(path))
    const [before] = await first.resolve('a', { kind: 'auto' }, names)
    const { rootPem } = first
    await first.close()
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      expect(mode & 0o777).toBe(entry.isDirectory() ? 0o700 : 0o600)
    }
    await using second = await openCertificateStore(storeOptions(path))
    expect(second.rootPem).toBe(rootPem)
    expect(await second.resolve('a', { kind: 'auto' }, names)).toMatchObject([
      { thumbprint: before?.thumbprint, privateKeyPem: before?.privateKeyPem },
    ])
  })

  it('issues another certificate when the names change or the old one is about to expire', async () => {
    const clock = { at: Date.now(), now: () => clock.at }
    await using store = await openCertificateStore(storeOptions('memory', { clock }))
    const thumbprint = async (wanted: readonly string[]) =>
      (await store.resolve('a', { kind: 'auto' }, wanted))[0]?.thumbprint
    const first = await thumbprint(names)
    expect(await thumbprint(['other.test'])).not.toBe(first)
    expect(await thumbprint(names)).toBe(first)
    clock.at += 360 * DAY_MS
    expect(await thumbprint(names)).toBe(first)
    clock.at += 20 * DAY_MS
    expect(await thumbprint(names)).not.toBe(first)
  })

  it('issues another one when the clock goes back, also after a restart', async () => {
    const folder = newFolder()
    const clock = { at: Date.now(), now: () => clock.at }
    const validAt = async (store: CertificateStore): Promise<boolean> => {
      const [installed] = await store.resolve('a', { kind: 'auto' }, names)
      const { validFrom, validTo } = new X509Certificate(installed?.certificatePem ?? '')
      return Date.parse(validFrom) <= clock.at && clock.at < Date.parse(validTo)
    }
    await using store = await openCertificateStore(storeOptions(folder, { clock }))
    expect(await validAt(store)).toBe(true)
    for (const days of [370, -370, 3000, -2999]) {
      clock.at += days * DAY_MS
      expect(await validAt(store)).toBe(true)
    }
    clock.at -= DAY_MS
    await using again = await openCertificateStore(storeOptions(folder, { clock }))
    expect(await validAt(again)).toBe(true)
  })

  it('gives two labs different roots', async () => {
    await using one = await openCertificateStore(storeOptions('memory'))
    await using other = await openCertificateStore(storeOptions('memory'))
    const subjects = [one, other].map(({ rootPem }) => new X509Certificate(rootPem).subject)
    expect(subjects[0]).not.toBe(subjects[1])
  })

  it('lists the names it has when it is asked for another one', async () => {
    await using store = await openCertificateStore(storeOptions('memory'))
    await store.resolve('a', { kind: 'auto' }, ['mail.test'])
    await expect(store.resolve('a', { kind: 'named', name: 'nobody' }, [])).rejects.toThrow(
      /no certificate "nobody".*mail\.test/,
    )
    expect(await store.resolve('a', { kind: 'none' }, [])).toEqual([])
    expect(await store.resolve('a', { kind: 'assigned' }, [])).toEqual([])
  })

  it('notifies watchers of changes by another process, and keeps working when the index is broken', async () => {
    const folder = newFolder()
    const log = memoryLog()
    await using watching = await openCertificateStore(storeOptions(folder, { log }))
    const [served] = await watching.resolve('a', { kind: 'auto' }, names)
    const changed = deferred()
    const end = watching.watch(() => changed.resolve())
    await using other = await openCertificateStore(storeOptions(folder))
    await other.update((draft) => {
      draft.index.assignments.b = served?.thumbprint ?? ''
    })
    await changed.promise
    expect(await watching.resolve('b', { kind: 'assigned' }, [])).toMatchObject([{ thumbprint: served?.thumbprint }])
    await writeFile(join(folder, 'store.json'), '{"version":1,')
    await expect.poll(() => log.entries.filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
    expect(await watching.resolve('b', { kind: 'assigned' }, [])).toMatchObject([{ thumbprint: served?.thumbprint }])
    end()
  })
})

describe('a broken file of the store', () => {
  it('is reported, and the certificate that was read before stays in use', async () => {
    const folder = newFolder()
    const log = memoryLog()
    await using store = await openCertificateStore(storeOptions(folder, { log }))
    const [served] = await store.resolve('a', { kind: 'auto' }, names)
    const changed = deferred()
    const end = store.watch(() => changed.resolve())
    const [record] = store.index.certificates
    await writeFile(join(folder, record?.certificate ?? ''), '-----BEGIN CERTIFICATE-----\nMIIB')
    await changed.promise
    expect(await store.resolve('a', { kind: 'auto' }, names)).toMatchObject([{ thumbprint: served?.thumbprint }])
    expect(
      log.entries
        .filter(({ level }) => level === 'error')
        .map(({ message }) => message)
        .join(),
    ).toMatch(/the certificate that was read before stays in use/)
    end()
  })
})
