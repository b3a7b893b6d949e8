// Fills a lab with one of everything that an upgrade must keep.
import { createTransport } from 'nodemailer'
import { sealpost, sealpostJson } from './lab.mjs'
import { withImap, withNntp } from './line-session.mjs'

/** The configuration of the lab. It is a part of the fixture: later versions must read it, too. */
export const configuration = `# The lab of a store fixture. Later versions of Sealpost must read it as it is.
version: 1
hostname: fixture.lab.test
certificates: { store: certs, key: p256 }
store: { lmdb: data }
directory:
  accounts:
    - { user: alice, password: secret }
    - { user: bob, password: secret }
news:
  groups:
    - { name: lab.general, description: General }
    - { name: lab.empty }
outgoing:
  connectors:
    # Nothing listens there: mail stays in the queue.
    - { name: Outside, smartHost: { host: 127.0.0.1, port: 1 }, when: automatic }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0 }
  - { protocol: nntp, port: 0 }
`

/** A blob is stored in pieces of 64 KiB. */
const LARGE_OCTETS = 100_000

/** Fills the lab that runs in a folder. @param ports by protocol */
export async function fill(folder, ports) {
  await sendMail(ports.smtp)
  await changeMailboxes(ports.imap4)
  await postArticles(ports.nntp)
  await withImap(ports.imap4, 'bob', async (send) => {
    // Bob's own mark in a mailbox of the lab, and in one of alice.
    await send('SELECT "Public Folders/lab.general"')
    await send('UID STORE 1 +FLAGS (\\Seen)')
    await send('SELECT "Other Users/alice/INBOX"')
    await send('UID STORE 2 +FLAGS (\\Seen)')
  })
  holdQueue(folder)
  fillCertificates(folder)
}

async function sendMail(port) {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  const mail = (number, more) => ({
    from: 'carol@lab.test',
    to: 'alice@lab.test',
    subject: `Message ${number}`,
    messageId: `<${number}@fixture.lab.test>`,
    text: `This is message ${number}.`,
    ...more,
  })
  try {
    await transport.sendMail(mail(1))
    await transport.sendMail(mail(2, { to: ['alice@lab.test', 'bob@lab.test'] }))
    await transport.sendMail(mail(3, { subject: 'Grüße', inReplyTo: '<1@fixture.lab.test>' }))
    await transport.sendMail(mail(4, { text: 'A line of a large message.\r\n'.repeat(LARGE_OCTETS / 28) }))
    await transport.sendMail(mail(5))
    await transport.sendMail(mail(6, { from: 'alice@lab.test', to: 'dave@example.net' }))
  } finally {
    transport.close()
  }
}

const changeMailboxes = (port) =>
  withImap(port, 'alice', async (send) => {
    await send('CREATE Archive/2026')
    await send('CREATE Gone')
    await send('SELECT INBOX')
    await send('UID COPY 2,4 Archive/2026')
    await send('UID COPY 1 Gone')
    await send('DELETE Gone')
    await send('UID STORE 1 +FLAGS (\\Seen \\Answered)')
    await send('UID STORE 4 +FLAGS (\\Flagged $Forwarded Work)')
    await send('UID STORE 1 -FLAGS (\\Answered)')
    await send('UID STORE 3 +FLAGS (\\Deleted)')
    await send('UID EXPUNGE 3')
    await send('UID STORE 5 +FLAGS (\\Deleted)')
    await send('SUBSCRIBE Archive/2026')
    await send('SETMETADATA INBOX (/shared/comment "shared" /private/comment "private")')
    await send('SETACL INBOX bob lrs')
  })

const postArticles = (port) =>
  withNntp(port, async ({ post }) => {
    const article = (number, more) => [
      'From: carol@lab.test',
      'Newsgroups: lab.general',
      `Subject: Article ${number}`,
      `Message-ID: <article-${number}@fixture.lab.test>`,
      ...more,
      '',
      `This is article ${number}.`,
    ]
    await post(article(1, []))
    await post(article(2, ['References: <article-1@fixture.lab.test>']))
    await post(article(3, []))
    await post(article(4, ['Control: cancel <article-2@fixture.lab.test>']))
  })

/** A held message is not tried again, so that it stays as it is. */
function holdQueue(folder) {
  for (const { id } of sealpostJson(folder, 'queue', 'list')) sealpost(folder, 'queue', 'hold', id)
}

function fillCertificates(folder) {
  sealpost(folder, 'cert', 'issue', '--for', 'smtp', '--name', 'mail', '--key', 'p256')
  sealpost(folder, 'cert', 'issue', '--for', 'imap4', '--name', 'imap', '--key', 'rsa-2048')
  sealpost(folder, 'ca', 'create', 'subordinate', 'Fixture subordinate', '--key', 'p256')
  sealpost(
    folder,
    'cert',
    'issue',
    '--for',
    'nntp',
    '--name',
    'news',
    '--key',
    'p256',
    '--authority',
    'Fixture subordinate',
  )
  const [first] = sealpostJson(folder, 'ca', 'issued')
  sealpost(folder, 'ca', 'revoke', first.serial, '--reason', 'superseded')
  sealpost(folder, 'cert', 'request', '--for', 'smtp', '--name', 'pending', '--key', 'p256', '--out', 'request.pem')
}
