// sealpost audit --protocol smtp -- node examples/audit/nodemailer.mjs
import { readFileSync } from 'node:fs'
import nodemailer from 'nodemailer'

const { AUDIT_ADDRESS, AUDIT_PORT, AUDIT_FORM, AUDIT_HOSTNAME, AUDIT_USER, AUDIT_PASSWORD, AUDIT_CA_FILE } = process.env
const transport = nodemailer.createTransport({
  host: AUDIT_ADDRESS,
  port: Number(AUDIT_PORT),
  secure: AUDIT_FORM === 'implicit',
  requireTLS: true,
  tls: { ca: readFileSync(AUDIT_CA_FILE), servername: AUDIT_HOSTNAME },
  auth: { user: AUDIT_USER, pass: AUDIT_PASSWORD },
})
await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', subject: 'audit', text: 'hello' })
transport.close()
