import nodemailer from 'nodemailer'
import type { Tenant } from 'sealpost'
import { expect, test } from 'sealpost/vitest'

async function sendWelcome(tenant: Tenant): Promise<void> {
  const transport = nodemailer.createTransport(tenant.nodemailer('shop'))
  const [from, to] = [tenant.address('shop'), tenant.address('alice')]
  await transport.sendMail({ from, to, subject: 'Welcome', html: '<a href="https://shop.test/1">Start</a>' })
}

test('the welcome mail arrives over TLS', async ({ tenant }) => {
  await sendWelcome(tenant)
  await expect(tenant).toHaveReceived({ to: 'alice', subject: /welcome/i })
  const mail = await tenant.waitForMessage('alice')
  expect(mail.links[0]?.href).toBe('https://shop.test/1')
  expect(mail).toHaveBeenEncrypted({ bits: 128 })
})
