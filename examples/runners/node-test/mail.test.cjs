// node:test with CommonJS: node --test
const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const nodemailer = require('nodemailer')
const { assertEncrypted, assertReceived, useLab } = require('sealpost/node-test')

const mail = useLab()

async function sendWelcome(tenant) {
  const transport = nodemailer.createTransport(tenant.nodemailer('shop'))
  const [from, to] = [tenant.address('shop'), tenant.address('alice')]
  await transport.sendMail({ from, to, subject: 'Welcome', html: '<a href="https://shop.test/1">Start</a>' })
}

describe('welcome mail', { concurrency: true }, () => {
  test('arrives over TLS', async (t) => {
    const tenant = mail.tenant(t)
    await sendWelcome(tenant)
    await assertReceived(tenant, { to: 'alice', subject: /welcome/i })
    const message = await tenant.waitForMessage('alice')
    assert.equal(message.links[0].href, 'https://shop.test/1')
    assertEncrypted(message, { bits: 128 })
  })

  test('tests at the same time have mail of their own', async (t) => {
    const tenant = mail.tenant(t)
    await sendWelcome(tenant)
    assert.equal((await tenant.messages()).length, 1)
    await assert.rejects(assertReceived(tenant, 'nobody', { timeout: 10 }), assert.AssertionError)
  })
})
