// A test with node:test: `node --test examples/node.test.mjs`. One lab per file, one tenant per test.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import nodemailer from 'nodemailer'
import { startLab } from 'sealpost'

/** @type {import('sealpost').TestLab} */
let lab
before(async () => {
  lab = await startLab()
})
after(() => lab.stop())

test('a message arrives over TLS', async () => {
  const tenant = lab.tenant()
  const transport = nodemailer.createTransport(tenant.nodemailer('alice'))
  await transport.sendMail({
    from: tenant.address('alice'),
    to: tenant.address('bob'),
    subject: 'hello',
    text: 'hello',
  })
  const mail = await tenant.waitForMessage({ to: 'bob' })
  assert.equal(mail.subject, 'hello')
  assert.equal(mail.session.tls.version, 'TLSv1.3')
})
