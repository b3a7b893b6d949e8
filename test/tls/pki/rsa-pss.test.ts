import { afterAll, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { put, run } from './support.ts'

const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']

const folder = newFolder()
const lab = await startLab({ virtualServers: [{ protocol: 'smtp', port: 0 }] })
afterAll(() => lab.stop())

const openssl = async (...args: readonly string[]): Promise<Buffer> => {
  const { code, err } = await run('openssl', args, undefined, folder)
  expect(code, err).toBe(0)
  const { out } = await run('cat', [args.at(-1) ?? ''], undefined, folder)
  return Buffer.from(out)
}

test('a request that RSASSA-PSS signs is answered, unless it was changed', async () => {
  const pem = await openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'a.key',
    '-subj',
    '/CN=a.lab.test',
    ...PSS,
    '-out',
    'a.csr',
  )
  expect((await lab.authorities.sign(pem))[0].subject).toBe('CN=a.lab.test')
  const der = Buffer.from(pem.toString().replace(/-----.*/g, ''), 'base64')
  der.writeUInt8(0x62, der.indexOf('a.lab.test'))
  await expect(lab.authorities.sign(der)).rejects.toThrow('the signature of the certificate request is invalid')
})

test('a revocation list that RSASSA-PSS signs is accepted from its authority only', async () => {
  for (const name of ['one', 'two']) {
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-subj',
      '/CN=Outside',
      '-out',
      `${name}.pem`,
    )
    await put(folder, 'ca.cnf', '[ca]\ndefault_ca=x\n[x]\ndatabase=ca.db\ndefault_md=sha256\n')
    await put(folder, 'ca.db', '')
    const ca = ['ca', '-config', 'ca.cnf', '-cert', `${name}.pem`, '-keyfile', `${name}.key`]
    await openssl(...ca, '-gencrl', '-crldays', '5', ...PSS, '-out', `${name}.crl`)
  }
  const file = async (name: string): Promise<Buffer> => Buffer.from((await run('cat', [name], undefined, folder)).out)
  await lab.authorities.addTrusted(await file('one.pem'))
  await expect(lab.authorities.addTrusted(await file('two.crl'))).rejects.toThrow('did not sign this revocation list')
  expect(await lab.authorities.addTrusted(await file('one.crl'))).toMatchObject([{ kind: 'crl', name: 'Outside' }])
})
