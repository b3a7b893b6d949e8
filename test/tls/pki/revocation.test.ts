import { X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Authorities, authoritiesOf } from '../../../src/tls/pki/authority/authorities.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { readOcspRequest } from '../../../src/tls/pki/revocation/ocsp.ts'
import { AuthorityService } from '../../../src/tls/pki/service/service.ts'
import { newFolder } from '../../support/folder.ts'
import { some } from '../../support/thorough.ts'
import { memoryLog, put, run, storeOptions } from './support.ts'

describe.each(some(['rsa-2048', 'p256', 'ed25519'] as const, 1))('revocation, %s', (key) => {
  let folder: string
  let store: CertificateStore
  let service: AuthorityService
  let authorities: Authorities
  let leaf: X509Certificate
  let files: { root: string; leaf: string }

  beforeAll(async () => {
    folder = newFolder()
    store = await openCertificateStore(storeOptions('memory', { key }))
    authorities = authoritiesOf(store)
    const options = { address: '127.0.0.1', port: 0, hostname: '127.0.0.1', log: memoryLog() }
    service = await AuthorityService.open(store, options)
    const [installed] = await store.resolve('a', { kind: 'auto' }, ['mail.test'])
    leaf = new X509Certificate(installed?.certificatePem ?? '')
    files = {
      root: await put(folder, 'root.pem', store.rootPem),
      leaf: await put(folder, 'leaf.pem', installed?.certificatePem ?? ''),
    }
  })
  afterAll(async () => {
    await service[Symbol.asyncDispose]()
    await store.close()
  })

  const revoke = (reason: Parameters<Authorities['revoke']>[1]) => authorities.revoke(leaf.serialNumber, reason)

  /** Asks with `openssl ocsp`, which also verifies the response. */
  async function ocsp(...args: readonly string[]): Promise<string> {
    const url = (await run('openssl', ['x509', '-in', files.leaf, '-noout', '-ocsp_uri'])).out.trim()
    const base = ['-issuer', files.root, '-cert', files.leaf, '-CAfile', files.root, '-url', url]
    const { out, err, code } = await run('openssl', ['ocsp', ...args, ...base])
    expect(code, err).toBe(0)
    expect(err).toContain('Response verify OK')
    return out
  }

  async function crlCheck(): Promise<{ code: number; err: string }> {
    const text = (await run('openssl', ['x509', '-in', files.leaf, '-noout', '-ext', 'crlDistributionPoints'])).out
    const url = /URI:(\S+)/.exec(text)?.[1] ?? ''
    const crl = await put(folder, 'list.crl', Buffer.from(await (await fetch(url)).arrayBuffer()))
    expect(
      (await run('openssl', ['crl', '-inform', 'DER', '-in', crl, '-CAfile', files.root, '-noout'])).err,
    ).toContain('verify OK')
    return run('openssl', ['verify', '-x509_strict', '-crl_check', '-CRLfile', crl, '-CAfile', files.root, files.leaf])
  }

  it('is reported by OCSP and CRL: good, on hold, good again, permanently revoked', async () => {
    expect(await ocsp()).toMatch(/: good/)
    expect(await crlCheck()).toMatchObject({ code: 0 })
    await revoke('certificateHold')
    expect(await ocsp('-sha256')).toMatch(/: revoked[\s\S]*certificateHold/)
    const held = await crlCheck()
    expect(held.code).not.toBe(0)
    expect(held.err).toContain('certificate revoked')
    await revoke('removeFromCRL')
    expect(await ocsp()).toMatch(/: good/)
    expect(await crlCheck()).toMatchObject({ code: 0 })
    await revoke('keyCompromise')
    expect(await ocsp('-no_nonce')).toMatch(/: revoked[\s\S]*keyCompromise/)
    await expect(revoke('removeFromCRL')).rejects.toThrow(/permanently revoked/)
    await expect(revoke('superseded')).rejects.toThrow(/was already revoked on/)
  })

  it('reports unknown for a serial number that was never issued', async () => {
    const base = ['ocsp', '-issuer', files.root, '-serial', '0x1234567890', '-CAfile', files.root]
    const { out, err } = await run('openssl', [...base, '-url', `${service.url}/ocsp/${id()}`])
    expect(out + err).toMatch(/0x1234567890: unknown/)
  })

  const id = (): string => store.index.defaultAuthority?.toLowerCase().replaceAll(' ', '-') ?? ''

  it('answers OCSP by GET', async () => {
    const request = join(folder, 'request.der')
    await run('openssl', ['ocsp', '-issuer', files.root, '-cert', files.leaf, '-no_nonce', '-reqout', request])
    const der = await readFile(request)
    expect(readOcspRequest(der).ids).toHaveLength(1)
    for (const path of [encodeURIComponent(der.toString('base64')), der.toString('base64')]) {
      const response = await fetch(`${service.url}/ocsp/${id()}/${path}`)
      expect(response.headers.get('content-type')).toBe('application/ocsp-response')
      const answer = await put(folder, 'answer.der', Buffer.from(await response.arrayBuffer()))
      const args = ['-issuer', files.root, '-cert', files.leaf, '-CAfile', files.root, '-respin', answer]
      expect((await run('openssl', ['ocsp', ...args])).out).toMatch(/: revoked/)
    }
  })

  it('answers malformed requests with OCSP errors and HTTP statuses, and keeps running', async () => {
    for (const body of ['', 'hello', Buffer.alloc(5000, 0x30)]) {
      const response = await fetch(`${service.url}/ocsp/${id()}`, { method: 'POST', body })
      expect(Buffer.from(await response.arrayBuffer()).toString('hex')).toBe('30030a0101')
    }
    const long = await fetch(`${service.url}/ocsp/${id()}`, { method: 'POST', body: Buffer.alloc(100_000) })
    expect(long.status).toBe(413)
    expect((await fetch(`${service.url}/nowhere`)).status).toBe(404)
    expect((await fetch(`${service.url}/crl/${id()}.crl`, { method: 'DELETE' })).status).toBe(405)
    expect((await fetch(`${service.url}/ocsp/${id()}/%ZZ`)).status).toBe(200)
  })

  it('serves the root and the issuer', async () => {
    expect(await (await fetch(`${service.url}/root.pem`)).text()).toBe(store.rootPem)
    const issuer = /CA Issuers - URI:(\S+)/.exec(leaf.infoAccess ?? '')?.[1] ?? ''
    const der = Buffer.from(await (await fetch(issuer)).arrayBuffer())
    expect(leaf.checkIssued(new X509Certificate(der))).toBe(true)
    expect(await (await fetch(service.url)).text()).toContain('/root.pem')
  })

  it('creates staples with the current status', async () => {
    const [served] = await store.resolve('b', { kind: 'auto' }, ['staple.test'])
    const certificate = await put(folder, 'stapled.pem', served?.certificatePem ?? '')
    const status = async (): Promise<string> => {
      const answer = await put(folder, 'staple.der', served?.ocspResponse?.() ?? '')
      const args = ['-issuer', files.root, '-cert', certificate, '-CAfile', files.root, '-respin', answer]
      return (await run('openssl', ['ocsp', ...args])).out
    }
    expect(await status()).toMatch(/: good/)
    expect(served?.ocspResponse?.()).toBe(served?.ocspResponse?.())
    await authorities.revoke(served?.thumbprint ?? '')
    expect(await status()).toMatch(/: revoked/)
    const [next] = await store.resolve('b', { kind: 'auto' }, ['staple.test'])
    expect(next?.thumbprint).not.toBe(served?.thumbprint)
  })
})

it('an authority whose key is missing answers internalError, and the log names the key file', async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  const first = await openCertificateStore(storeOptions(path))
  const [installed] = await first.resolve('a', { kind: 'auto' }, ['mail.test'])
  await first.close()
  const { key = '', name = '' } = first.index.authorities[0] ?? {}
  await rm(join(path, key))
  const log = memoryLog()
  await using store = await openCertificateStore(storeOptions(path, { log }))
  await using service = await AuthorityService.open(store, {
    address: '127.0.0.1',
    port: 0,
    hostname: '127.0.0.1',
    log,
  })
  const files = {
    root: await put(folder, 'root.pem', store.rootPem),
    leaf: await put(folder, 'leaf.pem', installed?.certificatePem ?? ''),
  }
  const request = join(folder, 'request.der')
  await run('openssl', ['ocsp', '-issuer', files.root, '-cert', files.leaf, '-reqout', request])
  const id = name.toLowerCase().replaceAll(' ', '-')
  const response = await fetch(`${service.url}/ocsp/${id}`, { method: 'POST', body: await readFile(request) })
  // internalError. RFC 6960 section 4.2.1
  expect(Buffer.from(await response.arrayBuffer()).toString('hex')).toBe('30030a0102')
  expect((await fetch(`${service.url}/crl/${id}.crl`)).status).toBe(500)
  expect(log.entries.filter(({ level, message }) => level === 'error' && message.includes(key))).toHaveLength(2)
})
