import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { authenticationWith } from './authentication.ts'

const NOW_S = 1_750_000_000
const pair = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const strong = pair(2048)
const weak = pair(512)

const recordOf = (key: KeyObject, more = ''): { txt: string[] } => ({
  txt: [`v=DKIM1; k=rsa; ${more}p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`],
})

const lab = authenticationWith(
  {
    records: {
      'good._domainkey.example.test': recordOf(strong.publicKey),
      'strict._domainkey.example.test': recordOf(strong.publicKey, 't=s; '),
      'good._domainkey.example.test.evil.test': recordOf(strong.publicKey),
      'weak._domainkey.example.test': recordOf(weak.publicKey),
    },
  },
  { clock: { now: () => NOW_S * 1000 } },
)

const BODY = 'Hello\r\n'

interface Signing {
  /** Tags that differ from those of a good signature. */
  readonly tags?: Readonly<Record<string, string>>
  readonly key?: KeyObject
  /** The body that arrives. */
  readonly body?: string
}

/** Signs a message with simple/simple, and returns the verdict on the signature. RFC 6376 section 3.7. */
async function verdict({ tags = {}, key = strong.privateKey, body = BODY }: Signing = {}) {
  const fields: Readonly<Record<string, string>> = { from: 'From: a@example.test\r\n', subject: 'Subject: Hi\r\n' }
  const bh = createHash('sha256').update(BODY).digest('base64')
  const all = { v: '1', a: 'rsa-sha256', d: 'example.test', s: 'good', h: 'from:subject', bh, ...tags, b: '' }
  const written = Object.entries(all).map(([name, value]) => `${name}=${value}`)
  const own = `DKIM-Signature: ${written.join('; ')}`
  const covered = all.h.split(':').map((name) => fields[name] ?? '')
  const hash = all.a === 'rsa-sha1' ? 'sha1' : 'sha256'
  const value = sign(hash, Buffer.from(`${covered.join('')}${own}`), key).toString('base64')
  const raw = `${own}${value}\r\n${Object.values(fields).join('')}\r\n${body}`
  const client = { address: '192.0.2.7', helo: 'client.test' }
  const results = await lab.check([Buffer.from(raw)], { mailFrom: 'a@example.test', client })
  return results?.dkim[0]
}

test('a good signature passes', async () => {
  expect(await verdict()).toMatchObject({ result: 'pass', domain: 'example.test' })
  expect(await verdict({ tags: { s: 'strict', t: `${NOW_S - 9}`, x: `${NOW_S}`, l: '7' } })).toMatchObject({
    result: 'pass',
  })
})

test('a domain is read whole, however far behind the start of a signature', async () => {
  const domain = 'example.test.evil.test'
  // The octet 4096 of the field is the last one of "example.test".
  expect(await verdict({ tags: { v: `1${' '.repeat(4047)}`, d: domain } })).toMatchObject({
    result: 'pass',
    domain,
    aligned: false,
  })
})

// RFC 6376 section 6.1, RFC 8301
test.each<[string, Signing, string, RegExp]>([
  ['a changed body', { body: 'Changed\r\n' }, 'fail', /body/],
  ['the time after x=', { tags: { x: `${NOW_S - 1}` } }, 'permerror', /expired/],
  ['l= beyond the body', { tags: { l: '8' } }, 'permerror', /l=/],
  ['a key of 512 bits', { tags: { s: 'weak' }, key: weak.privateKey }, 'policy', /512 bits/],
  ['rsa-sha1', { tags: { a: 'rsa-sha1' } }, 'permerror', /sha1/],
  ['From left out of h=', { tags: { h: 'subject' } }, 'permerror', /From/],
  ['i= in another domain', { tags: { i: '@evil.test' } }, 'permerror', /i=/],
  [
    'i= in a subdomain, with a key that forbids it',
    { tags: { s: 'strict', i: '@sub.example.test' } },
    'permerror',
    /sub/,
  ],
])('a signature with %s does not pass', async (_, signing, result, reason) => {
  expect(await verdict(signing)).toMatchObject({ result, reason: expect.stringMatching(reason) })
})
