import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Check, type Found, fail, pass } from './checks/check.ts'
import { couriers } from './couriers.ts'
import type { Dialog } from './dialog.ts'
import type { Probe } from './probe.ts'
import { type Credentials, NotTested, VerifyError } from './types.ts'

/** Between two looks for a message that is still on its way. */
const AGAIN_MS = 300

/** Characters of a password that is looked for. */
const MIN_TELLING = 6

/** How the finding is called; it belongs to several endpoints at once. */
export const delivery: Pick<Check, 'name' | 'title'> = { name: 'delivery', title: 'there and back' }

/**
 * Sends a message by every SMTP endpoint and reads the last one by every POP3 and IMAP4 endpoint; posts an article by every
 * NNTP endpoint and reads it there. Each over TLS, and each with a look at what crossed the wire.
 */
export async function exchange(
  probes: readonly Probe[],
  credentials: Credentials,
  note: (probe: Probe, found: Found) => void,
): Promise<void> {
  const of = (...protocols: readonly string[]): Probe[] =>
    probes.filter(({ endpoint }) => protocols.includes(endpoint.protocol))
  const readers = of('pop3', 'imap4')
  let sent: ProbeMessage | undefined
  for (const probe of of('smtp')) {
    const message = probeMessage(mailboxOf(probe, credentials), undefined, probe.options.now())
    note(probe, await told(() => send(probe, credentials, message, () => (sent = message))))
  }
  for (const [index, probe] of readers.entries()) {
    const last = index === readers.length - 1
    note(probe, await told(() => readBack(probe, credentials, sent, last)))
  }
  for (const probe of of('nntp')) note(probe, await told(() => postAndRead(probe, credentials)))
}

async function told(act: () => Promise<Found>): Promise<Found> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof NotTested) return { outcome: 'not-applicable', words: error.message }
    if (error instanceof VerifyError) return fail(error.message)
    throw error
  }
}

const mailboxOf = ({ options, endpoint }: Probe, { user }: Credentials): string =>
  options.mailbox ?? (user.includes('@') ? user : `${user}@${endpoint.serverName}`)

async function send(probe: Probe, who: Credentials, message: ProbeMessage, done: () => void): Promise<Found> {
  return session(probe, who, message, async (dialog) => {
    await couriers.smtp.send?.(dialog, message, mailboxOf(probe, who))
    done()
    return `sent as ${message.id}`
  })
}

async function readBack(
  probe: Probe,
  who: Credentials,
  sent: ProbeMessage | undefined,
  remove: boolean,
): Promise<Found> {
  if (!sent) throw new NotTested('no message was sent that could be read back')
  const { read } = couriers[probe.endpoint.protocol]
  const until = Date.now() + probe.options.timeoutMs
  for (;;) {
    const found = await session(probe, who, sent, async (dialog) => {
      const line = await read?.(dialog, sent, remove)
      if (line === '') throw new VerifyError('the message comes back without its text')
      return line === undefined ? undefined : `read back by ${probe.row.title}`
    })
    if (found.outcome !== 'not-applicable') return found
    if (Date.now() > until) return fail(`the message does not arrive within ${probe.options.timeoutMs / 1000} s`)
    await pause(AGAIN_MS)
  }
}

async function postAndRead(probe: Probe, who: Credentials): Promise<Found> {
  const newsgroup = probe.options.newsgroup ?? (await openGroup(probe, who))
  const article = probeMessage(mailboxOf(probe, who), newsgroup, probe.options.now())
  return session(probe, who, article, async (dialog) => {
    await couriers.nntp.send?.(dialog, article, newsgroup)
    const line = await couriers.nntp.read?.(dialog, article, false)
    if (!line) throw new VerifyError('the article is taken, and not to be had by its Message-ID')
    return `posted to ${newsgroup} as ${article.id} and read back`
  })
}

/** The first newsgroup that takes posts. RFC 3977 section 7.6.3. @throws NotTested */
async function openGroup(probe: Probe, who: Credentials): Promise<string> {
  const { dialog, capabilities } = await probe.openSecured()
  try {
    await couriers.nntp.logOn(dialog, who, capabilities.lines)
    const { lines } = await dialog.command('LIST ACTIVE')
    const group = lines.slice(1).find((line) => / y$/i.test(line) && !/^(?:control|junk)\b/.test(line))
    if (group === undefined) throw new NotTested('no newsgroup takes posts')
    return group.split(' ')[0] ?? ''
  } finally {
    dialog.close()
  }
}

/** One session under TLS, logged on; what crossed its wire is judged at its end. */
async function session(
  probe: Probe,
  who: Credentials,
  message: ProbeMessage,
  act: (dialog: Dialog) => Promise<string | undefined>,
): Promise<Found> {
  const { untrusted } = await probe.tls()
  if (untrusted) throw new NotTested(`no log-on behind a certificate that does not verify (${untrusted.message})`)
  const { dialog, capabilities } = await probe.openSecured()
  try {
    await couriers[probe.endpoint.protocol].logOn(dialog, who, capabilities.lines)
    const what = await act(dialog)
    if (what === undefined) return { outcome: 'not-applicable', words: 'not there yet' }
    // POP3 removes at its polite end.
    await dialog.command(probe.row.quit).catch(() => {})
    return judgeWire(dialog, message, who, what)
  } finally {
    dialog.wire.close()
  }
}

/** Network Monitor's part: the message's text and the password are in none of the octets. */
function judgeWire({ wire }: Dialog, { text }: ProbeMessage, { password }: Credentials, what: string): Found {
  const { tap } = wire
  const facts = { capturedOctets: tap.octets }
  const readable = [
    ...(tap.saw(text) ? ['the text of the message'] : []),
    // A short one stands in random octets by chance.
    ...(password.length >= MIN_TELLING && tap.saw(password) ? ['the password'] : []),
  ]
  if (readable.length > 0) return fail(`${what}, but ${readable.join(' and ')} crossed the wire readable`, facts)
  return pass(`${what}; encrypted on the wire: ${tap.octets} octets captured, the text in none of them`, facts)
}

/** A message, or article, that is sent and looked for again. */
export interface ProbeMessage {
  readonly id: string
  /** A word that stands nowhere else. */
  readonly text: string
  readonly raw: string
}

/** RFC 5322 section 3.6; RFC 5536 section 3.1 with `newsgroup`. */
export function probeMessage(mailbox: string, newsgroup: string | undefined, now: number): ProbeMessage {
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
    `A probe of sealpost verify; it can be deleted. ${text}`,
  ]
  return { id, text, raw: lines.join('\r\n') }
}
