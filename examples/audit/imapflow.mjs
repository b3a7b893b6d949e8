// sealpost audit --protocol imap4 -- node examples/audit/imapflow.mjs
import { readFileSync } from 'node:fs'
import { ImapFlow } from 'imapflow'

const { AUDIT_ADDRESS, AUDIT_PORT, AUDIT_FORM, AUDIT_HOSTNAME, AUDIT_USER, AUDIT_PASSWORD, AUDIT_CA_FILE } = process.env
const implicit = AUDIT_FORM === 'implicit'
const client = new ImapFlow({
  host: AUDIT_ADDRESS,
  port: Number(AUDIT_PORT),
  secure: implicit,
  ...(implicit ? {} : { doSTARTTLS: true }),
  tls: { ca: readFileSync(AUDIT_CA_FILE), servername: AUDIT_HOSTNAME },
  auth: { user: AUDIT_USER, pass: AUDIT_PASSWORD },
  logger: false,
})
client.on('error', () => process.exit(1))
await client.connect()
const lock = await client.getMailboxLock('INBOX')
lock.release()
await client.logout()
