// Starts the image twice with the real package testcontainers: as it is, and with another configuration.
//   node test-testcontainers.mjs IMAGE
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { createTransport } from 'nodemailer'
import { SealpostContainer } from 'sealpost/testcontainers'

const image = process.argv[2]

const lab = await new SealpostContainer(image).start()
try {
  const ca = await lab.ca()
  const mailer = createTransport({ host: lab.host, port: lab.smtpPort, requireTLS: true, tls: { ca } })
  const text = 'Your code is 123456.'
  await mailer.sendMail({ from: 'shop@example.com', to: 'alice@lab.test', subject: 'Welcome', text })
  const { id } = await lab.api.wait({ to: 'alice', subject: 'Welcome', timeout: '10s' })
  const { codes, delivery } = await lab.api.message(id)
  assert.deepEqual(codes, ['123456'])
  assert.equal(delivery.tls.version, 'TLSv1.3')
  const imap = connect({ host: lab.host, port: lab.tlsPort('imap4'), ca })
  const [greeting] = await once(imap, 'data')
  imap.destroy()
  assert.match(String(greeting), /^\* OK /)
} finally {
  await lab.stop()
}

const other = await new SealpostContainer(image)
  .withConfiguration('virtualServers: [{ protocol: smtp }]')
  .withAccounts({ user: 'carol', password: 'secret' })
  .start()
try {
  const { items } = await other.api.request('/accounts')
  assert.deepEqual(
    items.map(({ user }) => user),
    ['carol'],
  )
  assert.throws(() => other.pop3Port, /there is no such virtual server/)
} finally {
  await other.stop()
}

const broken = new SealpostContainer(image).withEnvironment({ SEALPOST_STORE: '{ nope: 1 }' })
await assert.rejects(broken.start(), /The container printed:\n {2}sealpost: SEALPOST_STORE: nope: unknown key/)
