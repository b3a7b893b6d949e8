// Does my client refuse bad certificates? Replace nodemailer with your own client.
import nodemailer from 'nodemailer'
import { auditClient, type Client } from 'sealpost'
import { expect, labTest, test } from 'sealpost/vitest'

const client: Client = async ({ address, port, form, hostname, ca, user, password }) => {
  const transport = nodemailer.createTransport({
    host: address,
    port,
    secure: form === 'implicit',
    requireTLS: true,
    tls: { ca, servername: hostname },
    auth: { user, pass: password },
  })
  await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', subject: 'hello', text: 'hello' })
}

test('the client refuses bad servers and accepts good ones', { timeout: 120_000 }, async () => {
  const results = await auditClient(client, { protocols: ['smtp'] })
  expect(results.filter(({ verdict }) => verdict === 'unsafe' || verdict === 'unable')).toEqual([])
})

const withOwnLab = labTest({}, { scope: 'test' })
withOwnLab('a certificate that expires while the application runs', async ({ lab }) => {
  const send = async (): Promise<void> => {
    const transport = nodemailer.createTransport(lab.nodemailer())
    await transport.sendMail({ from: 'a@lab.test', to: 'b@lab.test', subject: 'hello', text: 'hello' })
  }
  await send()
  await lab.useCertificate({ defect: 'expired' }, 'smtp')
  await expect(send()).rejects.toThrow('certificate has expired')
  await lab.useCertificate('auto', 'smtp')
  await send()
})
