import { expect, test } from 'vitest'
import { authenticationWith } from './authentication.ts'

const lab = authenticationWith({ arc: { domain: 'relay.test' } })
const sender = { mailFrom: 'a@author.test', client: { address: '192.0.2.7', helo: 'mail.author.test' } }

const sealed = async (message: Buffer): Promise<Buffer> =>
  Buffer.concat([await lab.signOutgoing([message], sender), message])
const twice = sealed(Buffer.from('From: a@author.test\r\nSubject: Hi\r\n\r\nHello\r\n')).then(sealed)

test('the seals of a chain are valid', async () => {
  expect((await lab.check([await twice], sender))?.arc).toEqual({ result: 'pass', instance: 2, domain: 'relay.test' })
})

test.each([
  ['the results of the first set', /(ARC-Authentication-Results: i=1; )mx/, '$1my', 'i=2 the seal does not match'],
  ['the status of a seal', /(ARC-Seal: i=2;[^]*?cv=)pass/, '$1none', 'i=2 cv=none'],
  ['the status of the first seal', /(ARC-Seal: i=1;[^]*?cv=)none/, '$1fail', 'i=1 cv=fail'],
  ['the number of a field', /ARC-Seal: i=1;/, 'ARC-Seal: i=2;', 'i=1 no arc-seal'],
  ['the number of all fields', /(ARC-[\w-]+: i=)1;/g, '$14;', 'i=1 no arc-authentication-results'],
  ['the number to one that is not allowed', /(ARC-[\w-]+: i=)2;/g, '$151;', 'more than 50 seals'],
  ['the signed subject', /Subject: Hi/, 'Subject: Ho', 'the signature does not match the header'],
  ['the signed body', /Hello/, 'Hallo', 'the body has changed'],
  ['the algorithm of a seal', /(ARC-Seal: i=1; a=)rsa-sha256/, '$1rsa-sha1', 'i=2 the seal does not match'],
  ['the domain of a seal', /(ARC-Seal: i=2;[^]*?d=)relay/, '$1other', 'no key at arc._domainkey.other.test'],
  ['the fields', /(ARC-Authentication-Results: i=2;[^]*?\r\n)(?=From)/, '$1$1', 'i=1 has a field twice'],
])('a chain fails after a change of %s', async (_, from, to, reason) => {
  const changed = Buffer.from((await twice).toString('latin1').replace(from, to), 'latin1')
  expect((await lab.check([changed], sender))?.arc).toMatchObject({ result: 'fail', reason })
})
