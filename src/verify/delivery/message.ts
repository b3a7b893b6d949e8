import { randomBytes } from 'node:crypto'

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
