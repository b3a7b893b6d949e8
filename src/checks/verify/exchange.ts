import { randomBytes } from 'node:crypto'
import { delay as pause } from '../../core/time/real-timers.ts'
import { type Check, type Found, fail, pass, resultOfError } from './checks/check.ts'
import type { Dialog } from './dialog.ts'
import { carriesMail, type MailClient, mailClients, type ProbeMessage } from './mail-clients.ts'
import type { Probe } from './probe.ts'
import { NotTested, type ProbeAccount, VerifyError } from './types.ts'

/** Pause between two searches for a message. */
const RETRY_MS = 300

/** Shorter passwords are not searched for: they occur in random octets by chance. */
const MIN_PASSWORD_LENGTH = 6

/** The name and title of the findings, which belong to several endpoints. */
export const delivery: Pick<Check, 'name' | 'title'> = { name: 'delivery', title: 'send and read' }

/**
 * Sends a message through every SMTP endpoint and reads the last one through every POP3 and IMAP4 endpoint; posts an
 * article to every NNTP endpoint and reads it there. All over TLS, and each checked for unencrypted octets.
 */
export async function exchangeMessages(
  probes: readonly Probe[],
  credentials: ProbeAccount,
  note: (probe: Probe, found: Found) => void,
): Promise<void> {
  const of = (...protocols: readonly string[]): Probe[] =>
    probes.filter(({ endpoint }) => protocols.includes(endpoint.protocol))
  const readers = of('pop3', 'imap4')
  let sent: ProbeMessage | undefined
  for (const probe of of('smtp', 'lmtp')) {
    const message = probeMessage(mailboxOf(probe, credentials), undefined, probe.options.now())
    note(probe, await resultOf(() => send(probe, credentials, message, () => (sent = message))))
  }
  for (const [index, probe] of readers.entries()) {
    const last = index === readers.length - 1
    note(probe, await resultOf(() => readBack(probe, credentials, sent, last)))
  }
  for (const probe of of('nntp')) note(probe, await resultOf(() => postAndRead(probe, credentials)))
}

const resultOf = (act: () => Promise<Found>): Promise<Found> => act().catch(resultOfError)

/** @throws NotTested for HTTP, JMAP and ManageSieve, which carry no mail here */
function clientOf({ endpoint: { protocol } }: Probe): MailClient {
  if (carriesMail(protocol)) return mailClients[protocol]
  throw new NotTested('applies to mail and news')
}

const mailboxOf = ({ options, endpoint }: Probe, { user }: ProbeAccount): string =>
  options.mailbox ?? (user.includes('@') ? user : `${user}@${endpoint.serverName}`)

async function send(probe: Probe, who: ProbeAccount, message: ProbeMessage, done: () => void): Promise<Found> {
  return session(probe, who, message, async (dialog) => {
    await mailClients.smtp.send?.(dialog, message, mailboxOf(probe, who))
    done()
    return `sent as ${message.id}`
  })
}

async function readBack(
  probe: Probe,
  who: ProbeAccount,
  sent: ProbeMessage | undefined,
  remove: boolean,
): Promise<Found> {
  if (!sent) throw new NotTested('no message was sent')
  const { read } = clientOf(probe)
  const until = Date.now() + probe.options.timeoutMs
  for (;;) {
    const found = await session(probe, who, sent, async (dialog) => {
      const line = await read?.(dialog, sent, remove)
      if (line === '') throw new VerifyError('the message arrived without its text')
      return line === undefined ? undefined : `read back by ${probe.row.title}`
    })
    if (found.outcome !== 'not-applicable') return found
    if (Date.now() > until) return fail(`the message does not arrive within ${probe.options.timeoutMs / 1000} s`)
    await pause(RETRY_MS)
  }
}

async function postAndRead(probe: Probe, who: ProbeAccount): Promise<Found> {
  const newsgroup = probe.options.newsgroup ?? (await openGroup(probe, who))
  const article = probeMessage(mailboxOf(probe, who), newsgroup, probe.options.now())
  return session(probe, who, article, async (dialog) => {
    await mailClients.nntp.send?.(dialog, article, newsgroup)
    const line = await mailClients.nntp.read?.(dialog, article, false)
    if (!line) throw new VerifyError('the article was accepted but cannot be read by its Message-ID')
    return `posted to ${newsgroup} as ${article.id} and read back`
  })
}

/** Returns the first newsgroup that accepts posts. RFC 3977 section 7.6.3. @throws NotTested */
async function openGroup(probe: Probe, who: ProbeAccount): Promise<string> {
  const { dialog, capabilities } = await probe.openSecured()
  try {
    await mailClients.nntp.logOn(dialog, who, capabilities.lines)
    const { lines } = await dialog.command('LIST ACTIVE')
    const group = lines.slice(1).find((line) => / y$/i.test(line) && !/^(?:control|junk)\b/.test(line))
    if (group === undefined) throw new NotTested('no newsgroup accepts posts')
    return group.split(' ')[0] ?? ''
  } finally {
    dialog.close()
  }
}

/** Runs a logged-on session under TLS, then checks the octets that crossed its wire. */
async function session(
  probe: Probe,
  who: ProbeAccount,
  message: ProbeMessage,
  act: (dialog: Dialog) => Promise<string | undefined>,
): Promise<Found> {
  const { untrusted } = await probe.tls()
  if (untrusted) throw new NotTested(`no log-on, because the certificate does not verify (${untrusted.message})`)
  const { dialog, capabilities } = await probe.openSecured()
  try {
    await clientOf(probe).logOn(dialog, who, capabilities.lines)
    const what = await act(dialog)
    if (what === undefined) return { outcome: 'not-applicable', words: 'not arrived yet' }
    // POP3 deletes messages only after QUIT.
    await dialog.quit()
    return judgeWire(dialog, message, who, what)
  } finally {
    dialog.wire.close()
  }
}

/** Checks that neither the message's text nor the password is among the captured octets. */
function judgeWire({ wire }: Dialog, { text }: ProbeMessage, { password }: ProbeAccount, what: string): Found {
  const { tap } = wire
  const facts = { capturedOctets: tap.octets }
  const readable = [
    ...(tap.saw(text) ? ['the text of the message'] : []),
    ...(password.length >= MIN_PASSWORD_LENGTH && tap.saw(password) ? ['the password'] : []),
  ]
  if (readable.length > 0) return fail(`${what}, but ${readable.join(' and ')} crossed the wire unencrypted`, facts)
  return pass(`${what}; encrypted on the wire: the text is not among the ${tap.octets} octets captured`, facts)
}

/** Creates the test message, or with `newsgroup` the test article. RFC 5322 section 3.6; RFC 5536 section 3.1. */
function probeMessage(mailbox: string, newsgroup: string | undefined, now: number): ProbeMessage {
  const token = randomBytes(12).toString('hex')
  const id = `<${token}@sealpost-verify.invalid>`
  const text = `sealpost-verify-${randomBytes(12).toString('hex')}`
  const date = new Date(now).toUTCString().replace('GMT', '+0000')
  const where = newsgroup === undefined ? `To: <${mailbox}>` : `Newsgroups: ${newsgroup}`
  const lines = [
    `From: <${mailbox}>`,
    where,
    'Subject: sealpost verify',
    `Date: ${date}`,
    `Message-ID: ${id}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `A test message of sealpost verify; it can be deleted. ${text}`,
  ]
  return { id, text, raw: lines.join('\r\n') }
}
