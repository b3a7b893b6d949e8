// Mocha with CommonJS.
const assert = require('node:assert/strict')
const nodemailer = require('nodemailer')
const { assertEncrypted, assertReceived, useLab } = require('sealpost/mocha')

describe('welcome mail', () => {
  const mail = useLab()

  async function sendWelcome() {
    const transport = nodemailer.createTransport(mail.tenant.nodemailer('shop'))
    const [from, to] = [mail.tenant.address('shop'), mail.tenant.address('alice')]
    await transport.sendMail({ from, to, subject: 'Welcome', html: '<a href="https://shop.test/1">Start</a>' })
  }

  it('arrives over TLS', async () => {
    await sendWelcome()
    await assertReceived(mail.tenant, { to: 'alice', subject: /welcome/i })
    const message = await mail.tenant.waitForMessage('alice')
    assert.equal(message.links[0].href, 'https://shop.test/1')
    assertEncrypted(message, { bits: 128 })
  })

  it('is not seen by the next test', async () => {
    assert.deepEqual(await mail.tenant.messages(), [])
    await assert.rejects(assertReceived(mail.tenant, 'alice', { timeout: 10 }), assert.AssertionError)
  })
})
