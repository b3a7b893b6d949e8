import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { isThorough } from '../../support/thorough.ts'
import { run } from './support.ts'

const OLD = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES']

test.each([
  ['the MAC', []],
  ['PBKDF2', ['-nomac']],
  ['the scheme of PKCS#12', ['-nomac', ...OLD]],
])('others are served while a key is derived from the password of a file: %s', async (_, options) => {
  const folder = newFolder()
  const openssl = async (...args: readonly string[]): Promise<void> => {
    expect(await run('openssl', args, undefined, folder)).toMatchObject({ code: 0 })
  }
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=c.lab.test',
    '-keyout',
    'c.key',
    '-out',
    'c.pem',
  )
  const content = ['-export', '-inkey', 'c.key', '-in', 'c.pem', '-passout', 'pass:secret']
  const write = (name: string, iterations: string) =>
    openssl('pkcs12', ...content, ...options, '-iter', iterations, '-out', name)
  await write('quick.p12', '1')
  await write('slow.p12', isThorough ? '1000000' : '200000')
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp', port: 0 }] })
  // With a wrong password, nothing but the derivation takes time.
  const turnsOf = async (name: string): Promise<number> => {
    const file = await readFile(join(folder, name))
    let isDone = false
    const refused = expect(lab.certificates.import(file, { password: 'other' })).rejects.toThrow('wrong password')
    const importing = refused.finally(() => {
      isDone = true
    })
    let turns = 0
    for (; !isDone; turns++) await new Promise((resolve) => setImmediate(resolve))
    await importing
    return turns
  }
  // The first import loads modules.
  await turnsOf('quick.p12')
  expect(await turnsOf('slow.p12')).toBeGreaterThan(10 + (await turnsOf('quick.p12')))
})
