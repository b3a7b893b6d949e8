// A test suite for code that sends mail with nodemailer. Copy it and import `sealpost/vitest`.
import nodemailer, { type Transporter } from 'nodemailer'
import { expect, test } from 'sealpost/vitest'

/** The code under test, as in an application. */
async function sendWelcome(transport: Transporter, to: string): Promise<void> {
  await transport.sendMail({
    from: 'Shop <shop@example.com>',
    to,
    subject: 'Welcome to the shop',
    text: 'Your code is 493 817. Confirm at https://shop.example.com/confirm?token=abc',
    html: '<p>Your code is <b>493 817</b>. <a href="https://shop.example.com/confirm?token=abc">Confirm</a></p>',
    attachments: [{ filename: 'terms.txt', content: 'Be kind.' }],
  })
}

test('the welcome mail arrives, encrypted, with its link, code and attachment', async ({ tenant }) => {
  await sendWelcome(nodemailer.createTransport(tenant.nodemailer('shop')), tenant.address('alice'))

  const mail = await tenant.waitForMessage({ to: 'alice', subject: /welcome/i })
  expect(mail).toHaveBeenEncrypted({ version: 'TLSv1.3' })
  expect(mail.codes).toContain('493817')
  expect(mail.links[0]?.href).toBe('https://shop.example.com/confirm?token=abc')
  expect(mail.attachments.map(({ filename }) => filename)).toEqual(['terms.txt'])
})

test('if the server is busy, the application gets the error, and a second attempt succeeds', async ({
  lab,
  tenant,
}) => {
  const fault = lab.faults.add({
    when: { verb: 'RCPT', matching: tenant.name },
    do: { reply: '451 4.3.0 Try later' },
    times: 1,
  })
  const transport = nodemailer.createTransport(tenant.nodemailer('shop'))
  await expect(sendWelcome(transport, tenant.address('bob'))).rejects.toMatchObject({ responseCode: 451 })
  await expect(tenant).not.toHaveReceived({ to: 'bob' })

  await sendWelcome(transport, tenant.address('bob'))
  await expect(tenant).toHaveReceived({ to: 'bob' })
  expect(fault.hits).toBe(1)
  fault.remove()
})
