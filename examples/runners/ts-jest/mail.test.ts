// Jest with ts-jest, which checks the types too.
import { describe } from '@jest/globals'
import nodemailer from 'nodemailer'
import type { Tenant } from 'sealpost'
import { expect, labTest, test, useLab } from 'sealpost/jest'

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

test.each([['a@b.test'], ['c@d.test']])('mail to %s is captured', async ({ tenant }, to) => {
  const transport = nodemailer.createTransport(tenant.nodemailer('shop'))
  await transport.sendMail({ from: tenant.address('shop'), to, subject: 'Far', text: 'away' })
  await expect(tenant).toHaveReceived({ to })
  await expect(tenant).not.toHaveReceived({ to: 'alice' })
})

test.concurrent('tests at the same time have mail of their own', async ({ tenant }) => {
  await sendWelcome(tenant)
  expect(await tenant.messages()).toHaveLength(1)
})

const strict = labTest({ virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }] }, { scope: 'test' })

strict('refuses clear text', async ({ lab }) => {
  const { address: host, port } = lab.server('smtp')
  const transport = nodemailer.createTransport({ host, port, ignoreTLS: true })
  await expect(transport.sendMail({ from: 'shop@lab.test', to: 'alice@lab.test' })).rejects.toThrow(/STARTTLS/)
})

describe('with hooks', () => {
  const mail = useLab()

  test('each test has a tenant', async () => {
    await sendWelcome(mail.tenant)
    await mail.tenant.waitForMessage('alice')
  })
})
