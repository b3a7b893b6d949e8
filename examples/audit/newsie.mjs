// sealpost audit --protocol nntp -- node examples/audit/newsie.mjs
// NEWSIE: path of the package's main file; default: the installed package.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { default: Client } = require(process.env.NEWSIE ?? 'newsie')
const { AUDIT_ADDRESS, AUDIT_PORT, AUDIT_FORM, AUDIT_HOSTNAME, AUDIT_USER, AUDIT_PASSWORD, AUDIT_CA_FILE } = process.env
const client = new Client({
  host: AUDIT_ADDRESS,
  port: Number(AUDIT_PORT),
  tlsPort: AUDIT_FORM === 'implicit',
  tlsOptions: { ca: readFileSync(AUDIT_CA_FILE), servername: AUDIT_HOSTNAME },
})
await client.connect()
if (AUDIT_FORM === 'starttls') await client.startTls()
const user = await client.authInfoUser(AUDIT_USER)
await user.authInfoPass(AUDIT_PASSWORD)
await client.group('lab.general')
await client.quit()
client.disconnect()
