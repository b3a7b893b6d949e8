import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { needs } from '../../support/programs.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'
import { OpensslCms } from './openssl-cms.ts'

const TEXT = 'Content-Type: text/plain; charset=utf-8\r\n\r\nThe code is 123456.\r\n'

describe.skipIf(!needs('openssl', 'gpgsm', 'gpgconf'))('gpgsm', () => {
  let lab: TestLab
  let cms: OpensslCms
  let home: string

  const gpgsm = async (args: readonly string[], input = ''): Promise<ProgramResult> => {
    const common = ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase-fd', '0']
    const result = await runProgram('gpgsm', [...common, ...args], { input, cwd: cms.folder })
    expect(result.status, result.stderr).toBe(0)
    return result
  }

  beforeAll(async () => {
    lab = await startLab()
    cms = new OpensslCms(lab)
    home = join(cms.folder, 'gnupg')
    mkdirSync(home, { mode: 0o700 })
    const fingerprint = (
      await cms.openssl(['x509', '-in', cms.rootFile(), '-noout', '-fingerprint', '-sha1'])
    ).toString()
    writeFileSync(join(home, 'trustlist.txt'), `${fingerprint.replace(/^.*=/, '').trim()} S relax\n`)
    writeFileSync(join(home, 'gpgsm.conf'), 'disable-crl-checks\n')
    writeFileSync(join(home, 'gpg-agent.conf'), 'allow-loopback-pinentry\n')
    const { pkcs12 } = await cms.user('alice', { key: 'rsa-2048' })
    await lab.certificates.import(pkcs12, { password: 'secret' })
    writeFileSync(join(cms.folder, 'alice.p12'), pkcs12)
    writeFileSync(join(cms.folder, 'entity'), TEXT)
    await gpgsm(['--import', cms.rootFile()])
    await gpgsm(['--import', 'alice.p12'], 'secret\n')
  })
  afterAll(async () => {
    await runProgram('gpgconf', ['--homedir', home, '--kill', 'all'])
    cms[Symbol.dispose]()
    await lab.stop()
  })

  const asMail = (type: string, der: Buffer): Buffer =>
    Buffer.from(
      `Content-Type: application/pkcs7-mime; smime-type=${type}; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n${der.toString('base64')}\r\n`,
    )

  test('signs: the lab says that it is valid', async () => {
    await gpgsm(['--local-user', 'alice@lab.test', '--sign', '-o', 'opaque', 'entity'], 'secret\n')
    const opaque = await cms.send(asMail('signed-data', cms.read('opaque')), { subject: 'opaque' })
    expect(opaque.smime).toMatchObject({
      signature: 'valid',
      layers: [{ form: 'opaque', signers: [{ name: 'alice' }] }],
    })
    expect(opaque.smime?.opened?.text).toBe('The code is 123456.\n')
    await gpgsm(['--local-user', 'alice@lab.test', '--detach-sign', '-o', 'detached', 'entity'], 'secret\n')
    const signature = cms.read('detached').toString('base64')
    const parts = [
      TEXT,
      `Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n${signature}`,
    ]
    const multipart = parts.map((part) => `--b\r\n${part}\r\n`).join('')
    const entity = `Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=b\r\n\r\n${multipart}--b--\r\n`
    const detached = await cms.send(Buffer.from(entity), { subject: 'detached' })
    expect(detached.smime).toMatchObject({ signature: 'valid', layers: [{ form: 'detached' }] })
  })

  test('encrypts: the lab opens it', async () => {
    await gpgsm(['--recipient', 'alice@lab.test', '--encrypt', '-o', 'encrypted', 'entity'])
    const { smime } = await cms.send(asMail('enveloped-data', cms.read('encrypted')), { subject: 'encrypted' })
    expect(smime).toMatchObject({ encryption: 'opened', layers: [{ openedWith: 'alice' }] })
    expect(smime?.opened?.codes).toEqual(['123456'])
  })
})
