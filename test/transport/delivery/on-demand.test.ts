import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, greeted } from '../../servers/smtp/support.ts'
import type { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'

const smtp = { protocol: 'smtp' } as const
const MESSAGE = 'From: bob@lab.test\r\nTo: x@lab.test\r\nSubject: hello\r\nMessage-ID: <1@lab.test>\r\n\r\nthe body\r\n'
const START = Date.UTC(2026, 10, 25, 12)

/** Sends a message from bob. Returns the replies to the recipients. */
async function send(client: LineClient, recipients: readonly string[], parameters = '', raw = MESSAGE) {
  expect(await ask(client, `MAIL FROM:<bob@lab.test>${parameters}`)).toMatch(/^250 /)
  const replies = []
  for (const recipient of recipients) replies.push(await ask(client, `RCPT TO:${recipient}`))
  if (replies.some((reply) => reply.startsWith('250 '))) {
    await ask(client, 'DATA')
    expect(await ask(client, `${raw}.`)).toMatch(/^250 /)
  } else await ask(client, 'RSET')
  return replies
}

const field = (raw: string, name: string): string | undefined => new RegExp(`^${name}: (.*)\r$`, 'm').exec(raw)?.[1]

describe('by the clock of the lab', () => {
  let lab: MailLab
  let client: LineClient
  beforeAll(async () => {
    lab = await startMailLab(smtp, { config: { domain: 'lab.test' } })
    client = await greeted(lab)
  })
  afterAll(async () => {
    client.destroy()
    await lab[Symbol.asyncDispose]()
  })

  /** Returns the reports that bob gets for a message, once the time of the reports has come. */
  async function reports(recipients: readonly string[], parameters = '', afterMs = 5000): Promise<string[]> {
    await lab.lab.reset()
    await lab.lab.clock.set({ at: START, frozen: true })
    await send(client, recipients, parameters)
    await lab.lab.clock.set({ at: START + afterMs - 1 })
    expect(await lab.inbox('bob')).toEqual([])
    await lab.lab.clock.set({ at: START + afterMs })
    return (await lab.inbox('bob')).map(({ raw }) => raw)
  }

  test('bounce+550 captures the message and reports a failure after 5 seconds', async () => {
    const [report = '', ...others] = await reports(['<bounce+550@lab.test>'], ' ENVID=abc')
    expect(others).toEqual([])
    expect((await lab.inbox(undefined)).map(({ entry }) => entry.envelope?.rcptTo)).toEqual([['bounce+550@lab.test']])
    expect(report.replaceAll(/report-[0-9a-f]{24}/g, 'BOUNDARY').split('\r\n')).toEqual([
      'Return-Path: <>',
      'From: Mail Delivery System <postmaster@lab.test>',
      'To: <bob@lab.test>',
      'Subject: Undelivered mail: the message could not be delivered',
      'Date: Wed, 25 Nov 2026 12:00:05 +0000',
      'Message-ID: <BOUNDARY@localhost>',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status;',
      '\tboundary="BOUNDARY"',
      '',
      '--BOUNDARY',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Your message to bounce+550@lab.test could not be delivered.',
      '    localhost replied: 550 5.1.1 No such user here',
      '',
      '--BOUNDARY',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; localhost',
      'Original-Envelope-Id: abc',
      'Arrival-Date: Wed, 25 Nov 2026 12:00:00 +0000',
      '',
      'Final-Recipient: rfc822; bounce+550@lab.test',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; localhost',
      'Diagnostic-Code: smtp; 550 5.1.1 No such user here',
      'Last-Attempt-Date: Wed, 25 Nov 2026 12:00:05 +0000',
      '',
      '--BOUNDARY',
      'Content-Type: message/rfc822',
      '',
      ...MESSAGE.split('\r\n'),
      '--BOUNDARY--',
      '',
    ])
  })

  test.each([
    ['bounce+452', 'failed', '4.2.2', '452 4.2.2 The mailbox is full'],
    ['bounce+5.7.26', 'failed', '5.7.26', '550 5.7.26 Multiple authentication checks failed'],
    ['bounce+5.9.99', 'failed', '5.9.99', '550 5.9.99 The message is refused'],
    ['Bounce+4.4.1', 'failed', '4.4.1', '421 4.4.1 The host does not answer'],
    ['bounce+delayed', 'delayed', '4.4.1', '451 4.4.1 The host does not answer'],
    ['bounce+relayed', 'relayed', '2.1.5', '250 2.1.5 Relayed'],
    ['bounce+delivered', 'delivered', '2.1.5', '250 2.1.5 Delivered'],
    ['bounce+expanded', 'expanded', '2.1.5', '250 2.1.5 Sent on to the members of a list'],
  ])('%s: %s, %s', async (name, action, status, reply) => {
    const [report = ''] = await reports([`<${name}@lab.test>`])
    expect(field(report, 'Action')).toBe(action)
    expect(field(report, 'Status')).toBe(status)
    expect(field(report, 'Diagnostic-Code')).toBe(`smtp; ${reply}`)
    const until = action === 'delayed' ? 'Mon, 30 Nov 2026 12:00:00 +0000' : undefined
    expect(field(report, 'Will-Retry-Until')).toBe(until)
    // Only reports of failures return the body. RFC 3461 section 4.3
    expect(report.includes('the body')).toBe(action === 'failed')
  })

  test.each([
    ['.postfix', 'Undelivered Mail Returned to Sender'],
    ['.exim', 'Mail delivery failed: returning message to sender'],
    ['.exchange2003', 'Delivery Status Notification (Failure)'],
    ['.microsoft365', 'Undeliverable: hello'],
    ['.gmail', 'Delivery Status Notification (Failure)'],
    ['.qmail', 'failure notice'],
  ])('bounce+550%s is written in the form of that server', async (form, subject) => {
    const [report = ''] = await reports([`<bounce+550${form}@lab.test>`])
    expect(field(report, 'Subject')).toBe(subject)
    expect(report).toContain(`bounce+550${form}@lab.test`)
    expect(report).toContain('the body')
  })

  // Words of samples in github.com/sisimai/set-of-emails, and of Exim's deliver.c.
  test.each([
    ['550.microsoft365', "Your message to %s couldn't be delivered."],
    ['delayed.microsoft365', 'Delivery is delayed to these recipients or groups:'],
    ['delayed.gmail', '** Delivery incomplete **'],
    ['450.gmail', 'There was a problem delivering your message to %s. See the technical details below.'],
    ['delivered.exim', '----- The following addresses had successful delivery notifications -----'],
    ['delivered.exim', '<%s> (relayed via non "Remote SMTP" router)'],
    ['relayed.exim', '<%s> (relayed to non-DSN-aware mailer)'],
    ['450.qmail', '127.0.0.1 does not like recipient.'],
  ])('bounce+%s says what that server says', async (name, words) => {
    const address = `bounce+${name}@lab.test`
    const [report = ''] = await reports([`<${address}> NOTIFY=SUCCESS,DELAY,FAILURE`])
    const plain = report
      .replace(/=\r\n/g, '')
      .replace(/=([\dA-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    expect(plain).toContain(words.replace('%s', address))
  })

  test('the address says when', async () => {
    expect(await reports(['<bounce+550.postfix.2m@lab.test>'], '', 120_000)).toHaveLength(1)
    expect(await reports(['<bounce+550.1h.postfix@lab.test>'], '', 3_600_000)).toHaveLength(1)
  })

  test('a message gets one report about all recipients of the same form and time', async () => {
    const [report = '', ...others] = await reports(['<bounce+550@lab.test>', '<bounce+552@lab.test>'])
    expect(others).toEqual([])
    expect(report.match(/^Status: .*/gm)).toEqual(['Status: 5.1.1', 'Status: 5.2.2'])
  })

  test('RFC 3461 section 4.1: NOTIFY decides', async () => {
    expect(await reports(['<bounce+550@lab.test> NOTIFY=NEVER'])).toEqual([])
    expect(await reports(['<bounce+550@lab.test> NOTIFY=SUCCESS,DELAY'])).toEqual([])
    expect(await reports(['<bounce+delayed@lab.test> NOTIFY=FAILURE'])).toEqual([])
    expect(await reports(['<bounce+550@lab.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y.test'])).toEqual([
      expect.stringContaining('\r\nOriginal-Recipient: rfc822;x@y.test\r\n'),
    ])
  })

  test('RFC 3461 section 4.3: RET=HDRS returns only the header', async () => {
    const [report = ''] = await reports(['<bounce+550@lab.test>'], ' RET=HDRS')
    expect(report).toContain('Content-Type: text/rfc822-headers\r\n\r\nFrom: bob@lab.test\r\n')
    expect(report).not.toContain('the body')
  })

  test('RFC 5965: complaint+abuse sends a complaint in the abuse reporting format', async () => {
    const [report = ''] = await reports(['<complaint+abuse@lab.test>'])
    expect(report).toContain('Content-Type: multipart/report; report-type=feedback-report;')
    const [, fields = ''] = /message\/feedback-report\r\n\r\n(.*?)\r\n\r\n/s.exec(report) ?? []
    expect(fields.split('\r\n')).toEqual([
      'Feedback-Type: abuse',
      expect.stringMatching(/^User-Agent: Sealpost\/\d/),
      'Version: 1',
      'Original-Mail-From: <bob@lab.test>',
      'Original-Rcpt-To: <complaint+abuse@lab.test>',
      'Arrival-Date: Wed, 25 Nov 2026 12:00:00 +0000',
      'Reporting-MTA: dns; localhost',
      'Source-IP: 127.0.0.1',
      'Reported-Domain: lab.test',
    ])
    expect(report).toContain(`Content-Type: message/rfc822\r\n\r\n${MESSAGE}`)
    const [short = ''] = await reports(['<complaint+not-spam.headers@lab.test>'])
    expect(field(short, 'Feedback-Type')).toBe('not-spam')
    expect(short).not.toContain('the body')
  })

  test.each([
    ['vacation+reply', 'Auto: hello', 'auto-replied'],
    ['vacation+microsoft365', 'Automatic reply: hello', 'auto-generated'],
    ['vacation+gmail', 'Re: hello', 'auto-replied'],
  ])('RFC 3834 section 3: %s replies', async (name, subject, submitted) => {
    const [reply = ''] = await reports([`<${name}@lab.test>`])
    expect(field(reply, 'Return-Path')).toBe('<>')
    expect(field(reply, 'From')).toBe(`<${name}@lab.test>`)
    expect(field(reply, 'Subject')).toBe(subject)
    expect(field(reply, 'In-Reply-To')).toBe('<1@lab.test>')
    expect(field(reply, 'References')).toBe('<1@lab.test>')
    expect(field(reply, 'Auto-Submitted')).toBe(submitted)
  })

  test('RFC 6533: addresses outside ASCII are written in UTF-8 to senders who accept them', async () => {
    const address = Buffer.from('zoë@y.test').toString('latin1')
    const recipient = `<bounce+550@lab.test> ORCPT=utf-8;${address}`
    const [report = ''] = await reports([recipient], ' SMTPUTF8')
    expect(report).toContain('Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n')
    expect(report).toContain(`\r\nOriginal-Recipient: utf-8;${address}\r\n`)
    const [ascii = ''] = await reports(['<bounce+550@lab.test> ORCPT=utf-8;zo\\x{EB}@y.test'])
    expect(ascii).toContain('Content-Type: message/delivery-status\r\n')
    expect(ascii).toContain('\r\nOriginal-Recipient: utf-8;zo\\x{EB}@y.test\r\n')
  })

  test('resetting the lab drops reports that wait', async () => {
    await lab.lab.clock.set({ at: START, frozen: true })
    await send(client, ['<bounce+550@lab.test>'])
    await lab.lab.reset()
    await lab.lab.clock.set({ at: START + 60_000 })
    expect(await lab.inbox('bob')).toEqual([])
  })

  test.each([
    ['<refuse+550@lab.test>', '550 5.1.1 No such user here (on demand)'],
    ['<refuse+452@lab.test>', '452 4.2.2 The mailbox is full (on demand)'],
    ['<refuse+4.7.1@lab.test>', '451 4.7.1 Greylisted, try again later (on demand)'],
    ['<refuse+550.postfix@lab.test>', '550 5.1.1 No mailbox for refuse+550.postfix@lab.test'],
    ['<bounce+250@lab.test>', '550 5.1.1 No mailbox for bounce+250@lab.test'],
    ['<bounce+550.other@lab.test>', '550 5.1.1 No mailbox for bounce+550.other@lab.test'],
    ['<bounce+550.1s.2s@lab.test>', '550 5.1.1 No mailbox for bounce+550.1s.2s@lab.test'],
    ['<bounce+delayed.qmail@lab.test>', '550 5.1.1 No mailbox for bounce+delayed.qmail@lab.test'],
    ['<complaint+noise@lab.test>', '550 5.1.1 No mailbox for complaint+noise@lab.test'],
    ['<vacation+beach@lab.test>', '550 5.1.1 No mailbox for vacation+beach@lab.test'],
  ])('RCPT TO:%s gets %s', async (recipient, reply) => {
    expect(await send(client, [recipient])).toEqual([reply])
  })
})

describe('who gets the mail', () => {
  test('an account with the name has precedence, and mail without a return path gets no report', async () => {
    await using lab = await startMailLab(smtp, {
      config: {
        mail: { reports: { delay: 0 } },
        directory: {
          accounts: [
            { user: 'bob', password: 'x' },
            { user: 'bounce', password: 'x' },
          ],
        },
      },
    })
    using client = await greeted(lab)
    await send(client, ['<bounce+550@lab.test>', '<complaint+abuse@lab.test>'])
    expect(await lab.inbox('bounce')).toHaveLength(1)
    expect((await lab.inbox('bob')).map(({ raw }) => field(raw, 'Feedback-Type'))).toEqual(['abuse'])
    await ask(client, 'MAIL FROM:<>')
    expect(await ask(client, 'RCPT TO:<complaint+abuse@lab.test>')).toMatch(/^550 5\.1\.1 No mailbox/)
  })

  test('an open directory creates no account for these addresses, unless one exists', async () => {
    await using lab = await startMailLab(smtp, { mode: 'open', config: { mail: { reports: { delay: 0 } } } })
    using client = await greeted(lab)
    await send(client, ['<bounce+550@lab.test>', '<bounce+nothing@lab.test>'])
    expect(await lab.inbox('bob')).toHaveLength(1)
    // bounce+nothing has created the account bounce, which has precedence now.
    await send(client, ['<bounce+550@lab.test>'])
    expect(await lab.inbox('bounce')).toHaveLength(2)
    expect(await lab.inbox('bob')).toHaveLength(1)
  })

  test('reports: addresses, form and complaintsTo', async () => {
    await using off = await startMailLab(smtp, { config: { mail: { reports: { addresses: false } } } })
    const first = await greeted(off)
    expect(await send(first, ['<bounce+550@lab.test>'])).toEqual(['550 5.1.1 No mailbox for bounce+550@lab.test'])
    first.destroy()
    const reports = { delay: 0, form: 'qmail', complaintsTo: 'alice@lab.test' } as const
    await using lab = await startMailLab(smtp, { config: { mail: { reports } } })
    using client = await greeted(lab)
    await send(client, ['<bounce+550@lab.test>', '<bounce+delayed@lab.test>', '<complaint+fraud@lab.test>'])
    const subjects = (await lab.inbox('bob')).map(({ raw }) => field(raw, 'Subject'))
    expect(subjects).toEqual(['failure notice', 'Delayed mail: the message is still being sent'])
    expect((await lab.inbox('alice')).map(({ raw }) => field(raw, 'Subject'))).toEqual(['FW: hello'])
  })

  test('a report for a sender elsewhere is captured, also where strangers cannot relay', async () => {
    await using lab = await startMailLab(smtp, {
      server: { relay: 'deny' },
      config: { mail: { reports: { delay: 0 } } },
    })
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<app@example.test>')
    await ask(client, 'RCPT TO:<bounce+550@lab.test>')
    await ask(client, 'DATA')
    await ask(client, `${MESSAGE}.`)
    const captured = (await lab.inbox(undefined)).map(({ entry }) => entry.envelope)
    expect(captured).toContainEqual(expect.objectContaining({ mailFrom: '', rcptTo: ['app@example.test'] }))
  })
})

describe('faults', () => {
  test('report: accepts a recipient, or a message, and reports later', async () => {
    await using lab = await startMailLab(smtp, { config: { mail: { reports: { delay: 0 } } } })
    using client = await greeted(lab)
    lab.lab.faults.add({ when: { verb: 'RCPT', matching: 'alice' }, do: { report: 'bounce+5.2.2' }, times: 1 })
    await send(client, ['<alice@lab.test>', '<bob@lab.test>'])
    const [, report = ''] = (await lab.inbox('bob')).map(({ raw }) => raw)
    expect(report.match(/^(?:Final-Recipient|Status): .*/gm)).toEqual([
      'Final-Recipient: rfc822; alice@lab.test',
      'Status: 5.2.2',
    ])
    expect(await lab.inbox('alice')).toHaveLength(1)
    lab.lab.faults.add({ when: { on: 'end-of-data' }, do: { report: 'complaint+abuse' }, times: 1 })
    await send(client, ['<alice@lab.test>'])
    await send(client, ['<alice@lab.test>'])
    expect((await lab.inbox('bob')).map(({ raw }) => field(raw, 'Feedback-Type'))).toEqual([
      undefined,
      undefined,
      'abuse',
    ])
  })

  test.each([
    [{ when: { verb: 'RCPT' }, do: { report: 'bounce+600' } }, 'write a report such as bounce+550'],
    [{ when: { verb: 'RCPT' }, do: { report: 'refuse+550' } }, 'write a report such as bounce+550'],
    [{ when: { verb: 'MAIL' }, do: { report: 'bounce+550' } }, 'must be RCPT, because of report'],
    [{ when: { on: 'connect' }, do: { report: 'bounce+550' } }, 'not possible on connect'],
    [{ when: { protocol: 'pop3', verb: 'RCPT' }, do: { report: 'bounce+550' } }, 'only possible with smtp'],
  ] as const)('%j is a mistake', async (fault, mistake) => {
    await using lab = await startMailLab(smtp)
    expect(() => lab.lab.faults.add(fault)).toThrow(mistake)
  })
})
