import { createPrivateKey } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { some } from '../../support/thorough.ts'
import { run } from './support.ts'

const password = 'pässword'

/** Ways of OpenSSL to encrypt a key in PKCS#8. Most need its legacy provider. */
const pkcs8 = [
  'PBE-MD5-DES',
  'PBE-SHA1-DES',
  'PBE-MD5-RC2-64',
  'PBE-SHA1-RC2-64',
  'PBE-SHA1-RC2-40',
  'PBE-SHA1-RC2-128',
  'PBE-SHA1-RC4-40',
  'PBE-SHA1-RC4-128',
  'PBE-SHA1-3DES',
].map((name) => ['-v1', name])
const pbes2 = ['des', 'rc2', 'rc2-64', 'rc2-40', 'des3', 'aes256', 'camellia128', 'camellia256', 'aria192'].map(
  (name) => ['-v2', name],
)
const openssl = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await run('openssl', args, undefined, folder)
  if (code !== 0) throw new Error(err)
  return out
}

const folder = newFolder()
const lab = await startLab()
const request = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'plain.key', '-out', 'own.pem']
await openssl('req', '-x509', ...request, '-subj', '/CN=localhost', '-addext', 'basicConstraints=CA:FALSE')
afterAll(() => lab.stop())

/** Imports a certificate with a protected key, removes it again, and expects the plain key in an export. */
async function expectRead(key: string): Promise<void> {
  const file = Buffer.from(await openssl('x509', '-in', 'own.pem'))
  await expect(lab.certificates.import(file, { key, password: 'wrong' })).rejects.toThrow('wrong password')
  await expect(lab.certificates.import(file, { key })).rejects.toThrow('a password is needed')
  const { thumbprint } = await lab.certificates.import(file, { key, password })
  const exported = (await lab.certificates.export(thumbprint, { format: 'pem' })).toString()
  await lab.certificates.delete(thumbprint)
  expect(createPrivateKey(exported).equals(createPrivateKey(await openssl('rsa', '-in', 'plain.key')))).toBe(true)
}

describe('a private key in PEM under a password is read', () => {
  it.each(some([...pkcs8, ...pbes2], 4))('openssl pkcs8 %s %s', async (option, name) => {
    const providers = ['-provider', 'legacy', '-provider', 'default']
    const args = ['-topk8', '-in', 'plain.key', '-passout', `pass:${password}`, option as string, name as string]
    await expectRead(await openssl('pkcs8', ...args, ...providers))
  })

  it.each(some(['des', 'des3', 'aes128', 'rc2', 'rc2-40-cbc'], 1))('openssl rsa -traditional -%s', async (cipher) => {
    const providers = ['-provider', 'legacy', '-provider', 'default']
    const args = ['-traditional', '-in', 'plain.key', `-${cipher}`, '-passout', `pass:${password}`]
    await expectRead(await openssl('rsa', ...args, ...providers))
  })
})

it.each(['PBE-SHA1-RC4-128', 'PBE-SHA1-RC4-40', 'camellia-256-cbc', 'aria-128-cbc'])(
  'a PKCS#12 file under %s is read',
  async (name) => {
    const providers = ['-provider', 'legacy', '-provider', 'default']
    const args = [
      '-export',
      '-inkey',
      'plain.key',
      '-in',
      'own.pem',
      '-keypbe',
      name,
      '-certpbe',
      name,
      '-out',
      'own.pfx',
    ]
    await openssl('pkcs12', ...args, '-passout', `pass:${password}`, ...providers)
    const file = Buffer.from(await openssl('base64', '-in', 'own.pfx', '-A'), 'base64')
    const { thumbprint } = await lab.certificates.import(file, { password })
    await lab.certificates.delete(thumbprint)
    await expect(lab.certificates.import(file, { password: 'wrong' })).rejects.toThrow('wrong password')
  },
)

it('a cipher that is not supported is named', async () => {
  const providers = ['-provider', 'legacy', '-provider', 'default']
  const args = ['-topk8', '-in', 'plain.key', '-passout', `pass:${password}`, '-v2', 'seed']
  const key = await openssl('pkcs8', ...args, ...providers)
  const file = Buffer.from(await openssl('x509', '-in', 'own.pem'))
  await expect(lab.certificates.import(file, { key, password })).rejects.toThrow(/the cipher SEED \(1\.2\.410/)
})
