// sealpost audit --protocol pop3 --form implicit -- node examples/audit/node-pop3.mjs
// NODE_POP3: path of the package's main file; default: the installed package.
import { readFileSync } from 'node:fs'

const { default: Pop3Command } = await import(process.env.NODE_POP3 ?? 'node-pop3')
const { AUDIT_ADDRESS, AUDIT_PORT, AUDIT_FORM, AUDIT_HOSTNAME, AUDIT_USER, AUDIT_PASSWORD, AUDIT_CA_FILE } = process.env
if (AUDIT_FORM === 'starttls') throw new Error('node-pop3 does not support STLS')
const client = new Pop3Command({
  host: AUDIT_ADDRESS,
  port: Number(AUDIT_PORT),
  user: AUDIT_USER,
  password: AUDIT_PASSWORD,
  tls: true,
  servername: AUDIT_HOSTNAME,
  tlsOptions: { ca: readFileSync(AUDIT_CA_FILE), servername: AUDIT_HOSTNAME },
  timeout: 8_000,
})
await client.UIDL()
await client.QUIT()
