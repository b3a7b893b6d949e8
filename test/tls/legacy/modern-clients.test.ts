import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { newFolder } from '../../support/folder.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'

const folder = newFolder()
const rootFile = join(folder, 'root.pem')
let lab: TestLab

beforeAll(async () => {
  const virtualServers = (['smtp', 'pop3', 'imap4'] as const).map((protocol) => ({
    protocol,
    tls: { legacy: true as const },
  }))
  lab = await startLab({ virtualServers })
  writeFileSync(rootFile, await lab.certificates.oldClientRootPem())
})
afterAll(() => lab.stop())

it('nodemailer and imapflow still negotiate TLS 1.3 with the certificate of the lab’s own root', async () => {
  const transport = nodemailer.createTransport(lab.nodemailer())
  await transport.sendMail({ from: 'carol@lab.test', to: 'dave@lab.test', subject: 'as ever', text: 'New.' })
  transport.close()
  const client = new ImapFlow(lab.imapflow({ user: 'dave', pass: 'secret' }))
  await client.connect()
  await client.mailboxOpen('INBOX')
  const message = await client.fetchOne('1', { envelope: true })
  expect(message && message.envelope?.subject).toBe('as ever')
  await client.logout()
  const sessions = lab.sessions().filter(({ hello }) => hello?.versions.includes('TLSv1.3'))
  expect(sessions.map(({ tls }) => tls?.version)).toEqual(['TLSv1.3', 'TLSv1.3'])
})

it.skipIf(!needs('openssl'))('OpenSSL 3 negotiates AES in TLS 1.0, and resumes the session by its id', async () => {
  const connect = ['-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`, '-CAfile', rootFile]
  const old = ['-tls1', '-cipher', 'AES128-SHA:@SECLEVEL=0', '-verify_return_error', '-reconnect']
  const output = await sClient([...connect, ...old], 'QUIT\r\n')
  expect(output.match(/^New, /gm)).toHaveLength(1)
  expect(output.match(/^Reused, .*Cipher is AES128-SHA/gm)).toHaveLength(5)
  expect(output).toContain('Verify return code: 0 (ok)')
})
