import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { personalityNames } from '../../../src/core/config/schema.ts'
import { startAs } from './support.ts'

const alice = { user: 'alice', pass: 'secret' }

describe.each(personalityNames)('%s', (personality) => {
  test('nodemailer sends and imapflow reads, over TLS and in clear text', async () => {
    await using lab = await startAs(personality)
    for (const secure of [true, false]) {
      const subject = `secure: ${secure}`
      const transport = nodemailer.createTransport(lab.nodemailer(alice))
      await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', subject, text: 'Text' })
      transport.close()
      const { port, tlsPort } = lab.server('imap4')
      const client = new ImapFlow({
        ...lab.imapflow(alice),
        ...(secure ? { port: Number(tlsPort), secure: true } : { port, secure: false, doSTARTTLS: false }),
      })
      await client.connect()
      await client.mailboxOpen('INBOX')
      const [uid] = (await client.search({ subject }, { uid: true })) || []
      const message = await client.fetchOne(String(uid), { envelope: true, flags: true, source: true }, { uid: true })
      expect(message && message.envelope?.subject).toBe(subject)
      expect(message && message.source?.toString()).toContain('\r\n\r\nText')
      await client.messageFlagsAdd(String(uid), ['\\Seen'], { uid: true })
      const paths = (await client.list()).map(({ path }) => path)
      expect(paths).toContain('INBOX')
      const drafts = paths.find((path) => path.endsWith('Drafts')) ?? ''
      await client.append(drafts, 'Subject: draft\r\n\r\n', ['\\Draft'])
      expect(await client.status(drafts, { messages: true })).toMatchObject({ messages: secure ? 1 : 2 })
      await client.logout()
    }
  })
})
