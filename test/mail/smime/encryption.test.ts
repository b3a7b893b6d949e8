import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { needs } from '../../support/programs.ts'
import { OpensslCms } from './openssl-cms.ts'

const TEXT = 'Content-Type: text/plain; charset=utf-8\r\n\r\nThe code is 123456.\r\n'
const HTML =
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://lab.test/x">go</a>\r\n' +
  '--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1,2\r\n--b--\r\n'

describe.skipIf(!needs('openssl'))('encrypted mail', () => {
  let lab: TestLab
  let cms: OpensslCms
  let bob: Awaited<ReturnType<OpensslCms['user']>>
  let curve: Awaited<ReturnType<OpensslCms['user']>>
  let stranger: Awaited<ReturnType<OpensslCms['user']>>

  beforeAll(async () => {
    lab = await startLab()
    cms = new OpensslCms(lab)
    ;[bob, curve, stranger] = await Promise.all([
      cms.user('bob', { key: 'rsa-2048' }),
      cms.user('curve', { emails: ['bob@lab.test'] }),
      cms.user('stranger'),
    ])
    for (const { pkcs12 } of [bob, curve]) await lab.certificates.import(pkcs12, { password: 'secret' })
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await lab.stop()
  })

  test.each([
    ['AES-128-CBC', 'RSA', ['-aes128']],
    ['AES-256-CBC', 'RSA', ['-aes256']],
    ['AES-256-CBC', 'RSA', ['-aes256', '-keyid', '-stream']],
    ['3DES-CBC', 'RSA', ['-des3']],
    ['AES-256-GCM', 'RSA', ['-aes-256-gcm']],
    ['AES-256-CBC', 'RSA-OAEP', ['-aes256', '-keyopt', 'rsa_padding_mode:oaep']],
    ['AES-128-CBC', 'RSA-OAEP', ['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256', '-aes128']],
    ['AES-128-CBC', 'ECDH', ['-aes128']],
    ['AES-256-GCM', 'ECDH', ['-aes-256-gcm', '-keyopt', 'ecdh_kdf_md:sha256']],
  ] as const)('%s by %s %j is opened with a key of the store', async (cipher, method, options) => {
    const recipient = method === 'ECDH' ? curve : bob
    // Options of keys follow the certificate that they are for.
    const isKeyOption = options.map((word, index) => word === '-keyopt' || options[index - 1] === '-keyopt')
    const ofKey = options.filter((_, index) => isKeyOption[index])
    const others = options.filter((_, index) => !isKeyOption[index])
    const encrypted = await cms.openssl(
      ['cms', '-encrypt', ...others, '-recip', recipient.file, ...ofKey],
      Buffer.from(HTML),
    )
    const message = await cms.send(encrypted, { subject: `${cipher} ${method} ${options.join(' ')}` })
    expect(message.smime).toMatchObject({
      signature: 'none',
      encryption: 'opened',
      problems: [],
      layers: [
        {
          kind: 'encrypted',
          cipher,
          authenticated: cipher.endsWith('GCM'),
          openedWith: method === 'ECDH' ? 'curve' : 'bob',
          recipients: [{ method }],
        },
      ],
    })
    const { opened } = message.smime ?? {}
    expect(opened?.subject).toBe(message.subject)
    expect([opened?.html?.trim(), opened?.links.map(String), opened?.attachments[0]?.filename]).toEqual([
      '<a href="https://lab.test/x">go</a>',
      ['https://lab.test/x'],
      'a.csv',
    ])
  })

  test('a message to others stays closed, and one to several is opened', async () => {
    const closed = await cms.send(await cms.encrypt([stranger], TEXT, ['-aes256']), { subject: 'closed' })
    expect(closed.smime).toMatchObject({
      encryption: 'closed',
      problems: [expect.stringContaining('the lab holds no key of its recipients')],
      opened: undefined,
    })
    const several = await cms.send(await cms.encrypt([stranger, bob], TEXT, ['-aes256']), { subject: 'several' })
    expect(several.smime?.opened?.text).toBe('The code is 123456.\n')
  })

  test('signed and encrypted mail is opened and verified, in both orders', async () => {
    const alice = await cms.user('alice')
    const inside = await cms.encrypt([bob], await cms.sign(alice, TEXT), ['-aes256'])
    const first = await cms.send(inside, { subject: 'signed inside' })
    expect(first.smime).toMatchObject({ signature: 'valid', encryption: 'opened', problems: [] })
    expect(first.smime?.layers.map(({ kind }) => kind)).toEqual(['encrypted', 'signed'])
    expect(first.smime?.opened?.codes).toEqual(['123456'])
    const outside = await cms.sign(alice, await cms.encrypt([bob], await cms.sign(alice, TEXT)), ['-nodetach'])
    const second = await cms.send(outside, { subject: 'triple wrapped' })
    expect(second.smime?.layers.map(({ kind }) => kind)).toEqual(['signed', 'encrypted', 'signed'])
    expect([second.smime?.signature, second.smime?.opened?.codes]).toEqual(['valid', ['123456']])
  })

  test('a changed message does not open', async () => {
    const der = await cms.encrypt([bob], TEXT, ['-aes-256-gcm', '-outform', 'DER'])
    der[der.length - 40] = (der[der.length - 40] as number) ^ 1
    const entity = `Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n${der.toString('base64')}\r\n`
    const { smime } = await cms.send(Buffer.from(entity), { subject: 'changed' })
    expect(smime).toMatchObject({
      encryption: 'closed',
      problems: ['bob: it was changed after it was encrypted, or the key does not fit'],
    })
  })

  test('the JSON of a message shows the facts, without octets', async () => {
    const message = await cms.send(await cms.encrypt([bob], TEXT, ['-aes256']), { subject: 'as JSON' })
    expect(JSON.parse(JSON.stringify(message)).smime).toMatchObject({
      encryption: 'opened',
      layers: [{ opened: true }],
    })
    expect(JSON.stringify(message)).not.toContain('123456')
  })

  test('the content, signed or encrypted, cannot name another sender', async () => {
    const inner = `From: "The CEO" <ceo@lab.test>\r\nSender: ceo@lab.test\r\nSubject: Pay now\r\n${TEXT}`
    const opaque = await cms.sign(bob, inner, ['-nodetach'])
    for (const [index, entity] of [
      opaque,
      await cms.encrypt([bob], inner),
      await cms.encrypt([bob], opaque),
    ].entries()) {
      const { smime } = await cms.send(entity, { from: 'bob@lab.test', subject: `outside ${index}` })
      const { from, subject, text } = smime?.opened ?? {}
      expect({ from: from?.address, subject, text }).toEqual({
        from: 'bob@lab.test',
        subject: 'Pay now',
        text: 'The code is 123456.\n',
      })
      expect(smime?.opened?.headers.get('sender')).toBeUndefined()
    }
  })
})
