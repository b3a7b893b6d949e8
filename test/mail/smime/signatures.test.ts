import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { needs } from '../../support/programs.ts'
import { OpensslCms } from './openssl-cms.ts'

const TEXT = 'Content-Type: text/plain; charset=utf-8\r\n\r\nThe code is 123456.\r\n'

describe.skipIf(!needs('openssl'))('signed mail', () => {
  let lab: TestLab
  let cms: OpensslCms
  let alice: Awaited<ReturnType<OpensslCms['user']>>

  beforeAll(async () => {
    lab = await startLab()
    cms = new OpensslCms(lab)
    alice = await cms.user('alice', { key: 'rsa-2048' })
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await lab.stop()
  })

  test.each([
    ['RSA', 'SHA-256', 'rsa-2048', []],
    ['RSA', 'SHA-512', 'rsa-2048', ['-md', 'sha512']],
    ['RSA-PSS', 'SHA-256', 'rsa-2048', ['-keyopt', 'rsa_padding_mode:pss']],
    ['RSA-PSS', 'SHA-384', 'rsa-2048', ['-md', 'sha384', '-keyopt', 'rsa_padding_mode:pss']],
    ['ECDSA', 'SHA-256', 'p256', []],
    ['ECDSA', 'SHA-384', 'p384', ['-md', 'sha384']],
    ['Ed25519', 'SHA-512', 'ed25519', ['-md', 'sha512']],
  ] as const)('%s with %s is valid, detached and opaque', async (algorithm, hash, key, options) => {
    const user = key === 'rsa-2048' ? alice : await cms.user('alice', { key })
    for (const form of ['detached', 'opaque'] as const) {
      const signed = await cms.sign(user, TEXT, [...options, ...(form === 'opaque' ? ['-nodetach'] : [])])
      const { smime } = await cms.send(signed, { subject: `${algorithm} ${hash} ${form}` })
      expect(smime).toMatchObject({
        signature: 'valid',
        encryption: 'none',
        problems: [],
        warnings: [],
        layers: [
          { kind: 'signed', form, signers: [{ valid: true, name: 'alice', algorithm, hash, serial: user.serial }] },
        ],
      })
      expect(smime?.opened?.text).toBe(form === 'opaque' ? 'The code is 123456.\n' : undefined)
    }
  })

  test('signatures by key identifier and without signed attributes are valid', async () => {
    for (const option of ['-keyid', '-noattr']) {
      const { smime } = await cms.send(await cms.sign(alice, TEXT, [option]), { subject: option })
      expect([smime?.signature, smime?.problems]).toEqual(['valid', []])
    }
  })

  test('a changed content is found, and openssl agrees', async () => {
    const signed = (await cms.sign(alice, TEXT)).toString('latin1')
    const changed = Buffer.from(signed.replace('123456', '654321'), 'latin1')
    const { smime } = await cms.send(changed, { subject: 'changed' })
    expect(smime).toMatchObject({ signature: 'invalid', problems: ['the content was changed after it was signed'] })
    await expect(cms.openssl(['cms', '-verify', '-CAfile', cms.rootFile()], changed)).rejects.toThrow(
      'verification failure',
    )
    const opaque = await cms.sign(alice, TEXT, ['-nodetach', '-noattr', '-outform', 'DER'])
    const at = opaque.indexOf('123456')
    opaque.write('654321', at)
    const entity = `MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n${opaque.toString('base64')}\r\n`
    expect((await cms.send(Buffer.from(entity), { subject: 'changed inside' })).smime).toMatchObject({
      signature: 'invalid',
      problems: [expect.stringContaining('was changed after it was signed')],
    })
  })

  test('changed attributes are found', async () => {
    const der = await cms.sign(alice, TEXT, ['-nodetach', '-outform', 'DER'])
    const signingTime = Buffer.from('2a864886f70d010905', 'hex')
    const at = der.indexOf('Z', der.indexOf(signingTime)) - 12
    der.write('99', at)
    const entity = `Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n${der.toString('base64')}\r\n`
    const { smime } = await cms.send(Buffer.from(entity), { subject: 'changed attribute' })
    expect(smime?.problems.join()).toContain('what the signer stated was changed')
  })

  test('the address of the certificate must be that of From', async () => {
    const { smime } = await cms.send(await cms.sign(alice, TEXT), { from: 'mallory@lab.test', subject: 'other sender' })
    expect(smime).toMatchObject({
      signature: 'invalid',
      problems: ['the certificate is for alice@lab.test, but the message is from mallory@lab.test (From)'],
    })
  })

  test('SHA-1 is shown as weak', async () => {
    const { smime } = await cms.send(await cms.sign(alice, TEXT, ['-md', 'sha1']), { subject: 'weak' })
    expect(smime).toMatchObject({ signature: 'valid', warnings: [expect.stringContaining('SHA-1 is weak')] })
  })

  test('a certificate that the lab does not know is refused', async () => {
    const self = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const files = ['-keyout', 'self.pem', '-out', 'self-cert.pem', '-subj', '/CN=alice/emailAddress=alice@lab.test']
    await cms.openssl([...self, ...files])
    const signed = await cms.openssl(
      ['cms', '-sign', '-signer', 'self-cert.pem', '-inkey', 'self.pem', '-crlfeol'],
      TEXT,
    )
    expect((await cms.send(signed, { subject: 'self-signed' })).smime?.problems).toEqual([
      expect.stringContaining('the certificate is self-signed, and is not a root of the lab'),
    ])
    const bare = await cms.sign(alice, TEXT, ['-nocerts'])
    expect((await cms.send(bare, { subject: 'no certificate' })).smime?.problems).toEqual([
      'the certificate of the signer is neither in the message nor in the store',
    ])
  })

  test('a revoked certificate is refused', async () => {
    const carol = await cms.user('carol')
    const signed = await cms.sign(carol, TEXT)
    await lab.authorities.revoke(carol.serial, 'keyCompromise')
    const { smime } = await cms.send(signed, { from: 'carol@lab.test', subject: 'revoked' })
    expect(smime?.problems).toEqual([
      expect.stringMatching(/^the certificate of carol was revoked on .* \(keyCompromise\)$/),
    ])
  })

  test('the signing time decides about expiry', async () => {
    const signed = await cms.sign(alice, TEXT)
    await lab.clock.advance('500d')
    try {
      const { smime } = await cms.send(signed, { subject: 'old' })
      expect(smime).toMatchObject({
        signature: 'valid',
        warnings: [expect.stringContaining('the certificate of the signer has expired since')],
      })
      const { smime: untimed } = await cms.send(await cms.sign(alice, TEXT, ['-noattr']), { subject: 'no time' })
      expect(untimed?.problems).toEqual([expect.stringMatching(/^the certificate of alice expired on .*arrived$/)])
    } finally {
      await lab.clock.reset()
    }
  })

  test('two signers are both judged', async () => {
    const dave = await cms.user('dave')
    const signed = await cms.sign(alice, TEXT, ['-signer', dave.file])
    const { smime } = await cms.send(signed, { subject: 'two signers' })
    expect(smime?.layers[0]).toMatchObject({
      signers: [{ valid: expect.any(Boolean) }, { valid: expect.any(Boolean) }],
    })
    expect(smime?.problems).toEqual([expect.stringContaining('the certificate is for dave@lab.test')])
  })

  test('broken signatures and other mail', async () => {
    const broken = 'Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nnothing\r\n'
    expect((await cms.send(Buffer.from(broken), { subject: 'broken' })).smime).toMatchObject({ signature: 'invalid' })
    const certsOnly = await cms.openssl(['crl2pkcs7', '-nocrl', '-certfile', alice.file, '-outform', 'DER'])
    const entity = `Content-Type: application/pkcs7-mime; smime-type=certs-only; name=smime.p7c\r\nContent-Transfer-Encoding: base64\r\n\r\n${certsOnly.toString('base64')}\r\n`
    expect((await cms.send(Buffer.from(entity), { subject: 'certs only' })).smime).toMatchObject({
      signature: 'invalid',
    })
    expect((await cms.send(Buffer.from(TEXT), { subject: 'plain' })).smime).toBeUndefined()
  })
})
