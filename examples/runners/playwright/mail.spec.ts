// Playwright test: one lab per worker. Tests of pages take `page` beside `tenant`.
import nodemailer from 'nodemailer'
import type { Tenant } from 'sealpost'
import { expect, labTest, test } from 'sealpost/playwright'

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

const strict = labTest({ virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }] })

strict('refuses clear text', async ({ lab }) => {
  const { address: host, port } = lab.server('smtp')
  const transport = nodemailer.createTransport({ host, port, ignoreTLS: true })
  await expect(transport.sendMail({ from: 'shop@lab.test', to: 'alice@lab.test' })).rejects.toThrow(/STARTTLS/)
})
