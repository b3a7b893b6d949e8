import { statSync } from 'node:fs'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth'
import { expect, test } from 'vitest'
import { folderFiles } from '../../../src/tls/pki/certificate-store/folder-files.ts'
import { memoryFiles } from '../../../src/tls/pki/certificate-store/memory-files.ts'
import type { MailAuthentication } from '../../../src/transport/mail-authentication/mail-authentication.ts'
import { newFolder } from '../../support/folder.ts'
import { authenticationWith } from './authentication.ts'

const folder = newFolder()

const MESSAGE = Buffer.from(
  'From: Alice <alice@lab.test>\r\nTo: bob@example.test\r\nSubject: A \tfolded\r\n  subject\r\n' +
    'Date: Thu, 26 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@lab.test>\r\n\r\nHello  there \t\r\n\r\n. dot\r\n\r\n\r\n',
)

/** Returns the results of another verifier, with the records of the lab. */
async function verified(lab: MailAuthentication, message: Buffer) {
  const records = await lab.keyRecords()
  const { results } = await dkimVerify(message, {
    minBitLength: 1024,
    resolver: async (name: string, type: string) => {
      const found = records.find((record) => record.name === name)
      if (!found || type !== 'TXT') throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
      return [[found.text]]
    },
  })
  return results.map(({ status: { result, comment } }) => (comment ? `${result} (${comment})` : result))
}

async function signed(lab: MailAuthentication, message = MESSAGE): Promise<Buffer> {
  return Buffer.concat([await lab.signOutgoing([message]), message])
}

test.each(['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'])(
  'signs with RSA and Ed25519, canonicalization %s',
  async (canonicalization) => {
    const lab = authenticationWith({
      dkim: [
        { domain: 'lab.test', canonicalization },
        { domain: 'lab.test', selector: 'ed', algorithm: 'ed25519', canonicalization, expiresAfter: '7d' },
      ],
    })
    const message = await signed(lab)
    expect(await verified(lab, message)).toEqual(['pass', 'pass'])
    const changed = Buffer.from(message.toString('latin1').replace('. dot', '. dots'), 'latin1')
    expect(await verified(lab, changed)).toEqual([
      'neutral (body hash did not verify)',
      'neutral (body hash did not verify)',
    ])
    const added = Buffer.concat([Buffer.from('Subject: another\r\n'), message])
    expect(await verified(lab, added)).toEqual(['fail (bad signature)', 'fail (bad signature)'])
  },
)

test('signs the same whatever the pieces of the message', async () => {
  const lab = authenticationWith({ dkim: [{ domain: 'lab.test', algorithm: 'ed25519' }] })
  const pieces = Array.from(MESSAGE, (_, index) => MESSAGE.subarray(index, index + 1))
  const field = await lab.signOutgoing(pieces)
  expect(await verified(lab, Buffer.concat([field, MESSAGE]))).toEqual(['pass'])
})

test.each(['', '\r\n', 'x', ' \r\n', 'a\rb\r\n', 'a \t b\t\r\n\r\n\r\n', '\r\n\r\nlast', 'LINES end'])(
  'hashes the body %j as another verifier does',
  async (body) => {
    const lab = authenticationWith({
      dkim: [
        { domain: 'lab.test', algorithm: 'ed25519' },
        { domain: 'lab.test', selector: 'simple', algorithm: 'ed25519', canonicalization: 'relaxed/simple' },
      ],
    })
    const octets = body.replace('LINES', '\r\n'.repeat(70_000))
    const message = Buffer.from(`From: alice@lab.test\r\nTo: bob@lab.test\r\n\r\n${octets}`)
    expect(await verified(lab, await signed(lab, message))).toEqual(['pass', 'pass'])
  },
)

test('signs only mail of its domains, and with the key of the nearest one', async () => {
  const algorithm = 'ed25519'
  const lab = authenticationWith({
    dkim: [
      { domain: 'lab.test', algorithm },
      { domain: 'shop.lab.test', selector: 'shop', algorithm },
    ],
  })
  const domains = async (from: string): Promise<string[]> => {
    const field = await lab.signOutgoing([Buffer.from(`From: ${from}\r\n\r\n`)])
    return Array.from(field.toString().matchAll(/; d=([^;]+);/g), ([, domain = '']) => domain)
  }
  expect(await domains('a@lab.test')).toEqual(['lab.test'])
  expect(await domains('a@mail.shop.lab.test')).toEqual(['shop.lab.test'])
  expect(await domains('a@other.test')).toEqual([])
  expect(await domains('a@notlab.test')).toEqual([])
  expect(await domains('a@lab.test, b@other.test')).toEqual([])
})

test.each([
  ['bad-signature', 'fail (bad signature)'],
  ['wrong-body-hash', 'neutral (body hash did not verify)'],
  ['expired', 'neutral (expired)'],
  ['short-key', 'policy'],
  ['revoked-key', 'neutral (invalid public key)'],
  ['no-key', 'neutral (no key)'],
])('signs with the defect %s', async (defect, expected) => {
  const lab = authenticationWith({ dkim: [{ domain: 'lab.test', defect }] })
  expect(await verified(lab, await signed(lab))).toEqual([expected])
})

test('leaves From out of the signature with the defect from-not-signed', async () => {
  const lab = authenticationWith({ dkim: [{ domain: 'lab.test', algorithm: 'ed25519', defect: 'from-not-signed' }] })
  expect((await signed(lab)).toString()).not.toMatch(/h=[^;]*From/)
})

test('keeps generated keys in the certificate store, readable by their owner only', async () => {
  const files = await folderFiles(folder, 'index.json')
  const config = { dkim: [{ domain: 'lab.test', selector: 'kept', algorithm: 'ed25519' }] }
  const first = await authenticationWith(config, { files }).keyRecords()
  expect(await authenticationWith(config, { files }).keyRecords()).toEqual(first)
  expect(first).toMatchObject([
    { name: 'kept._domainkey.lab.test', text: expect.stringMatching(/^v=DKIM1; k=ed25519; p=.{44}$/) },
  ])
  const file = join(folder, 'dkim', 'kept._domainkey.lab.test.ed25519.pem')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const given = authenticationWith({ dkim: [{ domain: 'other.test', keyFile: file }] }, { files: memoryFiles() })
  expect((await given.keyRecords())[0]?.text).toBe(first[0]?.text)
  const missing = authenticationWith({ dkim: [{ domain: 'other.test', keyFile: join(folder, 'none.pem') }] })
  await expect(missing.keyRecords()).rejects.toThrow('none.pem cannot be read')
})
