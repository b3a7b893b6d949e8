import type { FaultProtocol } from '../../core/config/schema/protocol.ts'
import type { Dialog } from './dialog.ts'
import type { Reply } from './protocol-row.ts'
import { type ProbeAccount, VerifyError } from './types.ts'

/** The test message or article. */
export interface ProbeMessage {
  readonly id: string
  /** A unique word in the body. */
  readonly text: string
  readonly raw: string
}

/** The steps by which one protocol sends the test message, or finds it again. */
export interface MailClient {
  /** Logs on. @param announced the capability lines under TLS @throws VerifyError */
  readonly logOn: (dialog: Dialog, credentials: ProbeAccount, announced: readonly string[]) => Promise<void>
  readonly send?: (dialog: Dialog, message: ProbeMessage, mailbox: string) => Promise<void>
  /** Returns the line with the test text, `''` if the message lacks it, undefined without a message. @param remove deletes it */
  readonly read?: (dialog: Dialog, message: ProbeMessage, remove: boolean) => Promise<string | undefined>
}

/** The SMTP client. RFC 4954, RFC 5321 section 3.3. */
const smtp: MailClient = {
  async logOn(dialog, credentials, announced) {
    if (dialog.row.capabilities.mechanisms(announced).includes('PLAIN')) {
      await must(dialog, `AUTH PLAIN ${plainResponse(credentials)}`, 'AUTH PLAIN')
    }
  },
  async send(dialog, { raw }, mailbox) {
    await must(dialog, `MAIL FROM:<${mailbox}>`)
    await must(dialog, `RCPT TO:<${mailbox}>`)
    await must(dialog, 'DATA')
    expectAccepted(dialog, await dialog.more(`${raw}\r\n.`), 'the message')
  },
}

/** Number of messages to search, newest first. */
const NEWEST = 25

/** The POP3 client. RFC 1939, RFC 5034. */
const pop3: MailClient = {
  async logOn(dialog, credentials) {
    await must(dialog, `USER ${credentials.user}`)
    await must(dialog, `PASS ${credentials.password}`, 'PASS')
  },
  async read(dialog, { id, text }, remove) {
    const { status } = await must(dialog, 'STAT')
    const count = Number(status.split(' ')[1])
    for (let n = count; n > Math.max(0, count - NEWEST); n--) {
      const head = await must(dialog, `TOP ${n} 0`)
      if (!head.lines.some((line) => line.includes(id))) continue
      const { lines } = await must(dialog, `RETR ${n}`)
      if (remove) await must(dialog, `DELE ${n}`)
      return lines.find((line) => line.includes(text)) ?? ''
    }
    return undefined
  },
}

/** The IMAP4 client. RFC 9051. */
const imap4: MailClient = {
  async logOn(dialog, credentials, announced) {
    if (dialog.row.capabilities.mechanisms(announced).includes('PLAIN')) {
      await must(dialog, 'AUTHENTICATE PLAIN')
      expectAccepted(dialog, await dialog.more(plainResponse(credentials)), 'AUTHENTICATE PLAIN')
      return
    }
    const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`
    await must(dialog, `LOGIN ${quoted(credentials.user)} ${quoted(credentials.password)}`, 'LOGIN')
  },
  async read(dialog, { id, text }, remove) {
    await must(dialog, 'SELECT INBOX')
    const { lines } = await must(dialog, `UID SEARCH HEADER Message-ID "${id}"`)
    const uid = lines.flatMap((line) => /^\* SEARCH (\d+)/i.exec(line)?.[1] ?? [])[0]
    if (uid === undefined) return undefined
    const fetched = await must(dialog, `UID FETCH ${uid} (BODY.PEEK[])`)
    if (remove) await removeByUid(dialog, uid)
    return fetched.lines.find((line) => line.includes(text)) ?? ''
  },
}

/** Removes one message. Without UIDPLUS it only marks it, because EXPUNGE would remove others too. RFC 4315 section 2.1. */
async function removeByUid(dialog: Dialog, uid: string): Promise<void> {
  await must(dialog, `UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
  await dialog.command(`UID EXPUNGE ${uid}`)
}

/** The NNTP client. RFC 3977 section 6.3.1, RFC 4643 section 2.3. */
const nntp: MailClient = {
  async logOn(dialog, { user, password }, announced) {
    if (!dialog.row.capabilities.mechanisms(announced).includes('USER')) return
    const asked = await must(dialog, `AUTHINFO USER ${user}`)
    if (asked.code === '381') await must(dialog, `AUTHINFO PASS ${password}`, 'AUTHINFO PASS')
  },
  async send(dialog, { raw }) {
    await must(dialog, 'POST')
    expectAccepted(dialog, await dialog.more(`${raw}\r\n.`), 'the article')
  },
  async read(dialog, { id, text }) {
    const { code, lines } = await dialog.command(`ARTICLE ${id}`)
    return code === '220' ? (lines.find((line) => line.includes(text)) ?? '') : undefined
  },
}

/** How each protocol sends and reads the test message. */
export const mailClients = {
  smtp,
  pop3,
  imap4,
  nntp,
  lmtp: smtp,
} satisfies Partial<Record<FaultProtocol, MailClient>>

/** Returns whether `verify` sends or reads its message by a protocol. */
export const carriesMail = (protocol: FaultProtocol): protocol is keyof typeof mailClients =>
  Object.hasOwn(mailClients, protocol)

/** Returns the SASL PLAIN response. RFC 4616 section 2. */
const plainResponse = ({ user, password }: ProbeAccount): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64')

/** Sends a command that must be accepted. @throws VerifyError with the reply */
async function must(dialog: Dialog, command: string, what: string = command): Promise<Reply> {
  return expectAccepted(dialog, await dialog.command(command), what)
}

/** Returns a positive reply. @throws VerifyError for any other reply */
function expectAccepted(dialog: Dialog, reply: Reply, what: string): Reply {
  if (dialog.row.accepted.test(reply.status) || reply.code === '+') return reply
  throw new VerifyError(`${what} is answered with ${reply.status}`)
}
