import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestAuthority } from '../checks/verify/authority.ts'
import { DOVECOT_HOST, startDovecot } from '../checks/verify/debian/dovecot.ts'
import { newFolder } from '../support/folder.ts'
import { freePorts } from '../support/free-ports.ts'
import { needs } from '../support/programs.ts'
import { connectorTo, queueEvent, send, startOutgoingLab } from '../transport/outgoing/support.ts'

const LMTPD = '/usr/lib/dovecot/lmtp'

test.skipIf(!needs(LMTPD))("a connector delivers to Dovecot's lmtpd over verified TLS", async () => {
  const authority = await TestAuthority.create()
  const [port = 0] = await freePorts(1)
  await using _ = await startDovecot(
    await authority.issue(),
    `protocols = imap pop3 lmtp
service lmtp {
  chroot =
  inet_listener lmtp {
    listen = ${DOVECOT_HOST}
    port = ${port}
  }
}`,
  )
  const authorityFile = join(newFolder(), 'root.pem')
  writeFileSync(authorityFile, authority.rootPem)
  const smartHost = { host: DOVECOT_HOST, port, tls: 'verify' as const, names: ['localhost'], authority: authorityFile }
  await using lab = await startOutgoingLab([connectorTo(port, { protocol: 'lmtp', smartHost })])
  const done = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@boxes.test', 'dave@boxes.test'], raw: 'Subject: to Dovecot\r\n\r\nHello.\r\n' })
  const { entry } = await done
  expect(entry.recipients.map(({ address, kind, text }) => [address, kind, text])).toEqual([
    ['carol@boxes.test', 'sent', expect.stringMatching(/^250 2\.0\.0 <carol@boxes\.test> .* Saved$/)],
    ['dave@boxes.test', 'sent', expect.stringMatching(/^250 2\.0\.0 <dave@boxes\.test> .* Saved$/)],
  ])
})
