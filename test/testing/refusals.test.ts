import { createTransport } from 'nodemailer'
import { describe } from 'vitest'
import type { FaultInput } from '../../src/lab/lab-faults.ts'
import { type LabInput, startLab, type TestLab } from '../../src/testing/index.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import { LineClient } from '../support/line-client.ts'

const text = 'x'.repeat(20_000)
const small: LabInput = { virtualServers: [{ protocol: 'smtp', limits: { messageSize: '10KB' } }] }
const full: LabInput = {
  directory: {
    accounts: [{ user: 'bob', password: 'x', quota: { size: '10KB', exceeded: 'refuse' } }],
    mode: 'listed',
  },
  virtualServers: [{ protocol: 'smtp', limits: {} }],
}

/** Sends mail of 20,000 octets by a client that does not announce its size. */
async function send(lab: TestLab): Promise<void> {
  const { host, port } = lab.nodemailer()
  const transport = createTransport({ host, port, ignoreTLS: true, name: 'client.test' })
  await expect(transport.sendMail({ from: 'a@lab.test', to: 'bob@lab.test', text })).rejects.toThrow()
}

async function say(lab: TestLab, protocol: 'smtp' | 'pop3' | 'imap4' | 'nntp', ...lines: readonly string[]) {
  using client = await LineClient.openTls(lab.server(protocol).tlsPort as number, lab.ca)
  await client.line()
  for (const line of lines) {
    client.send(`${line}\r\n`)
    await client.line()
  }
}

/** Checks the three places that report a refusal. */
async function expectRefusal(lab: TestLab, reason: RegExp, act: () => Promise<void>): Promise<void> {
  const events = lab.on('refusal')
  await act()
  expect((await events.next()).value).toMatchObject({ reason: expect.stringMatching(reason) })
  expect((await lab.waitForSession({ refused: reason })).refusals).toHaveLength(1)
  const waiting = lab.waitForMessage('nobody', { timeout: 0 })
  await expect(waiting).rejects.toThrow(new RegExp(`; refused: ${reason.source.replace('^', '')}`))
}

describe('a refusal is an event, a line of time-outs, and found by waitForSession', () => {
  test.for([
    ['a message over the limit', small, /^552 5\.3\.4 Message exceeds/],
    ['a mailbox over its quota', full, /^552 5\.2\.2 /],
  ] as const)('%s', async ([, config, reason]) => {
    await using lab = await startLab(config)
    await expectRefusal(lab, reason, () => send(lab))
  })

  test.for([
    [
      'at RCPT',
      { when: { verb: 'RCPT' }, do: { reply: '452 4.5.3 Too many' } },
      /^452 4\.5\.3 Too many \(fault: reply/,
    ],
    [
      'at the end of data',
      { when: { on: 'end-of-data' }, do: { reply: '554 5.6.0 No' } },
      /^554 5\.6\.0 No \(fault: reply/,
    ],
    [
      'after storing',
      { when: { on: 'end-of-data' }, do: { reply: '451 4.0.0 Hm', stored: true } },
      /^451 4\.0\.0 Hm \(fault: reply/,
    ],
    [
      'at the greeting',
      { name: 'closed', when: { on: 'connect' }, do: { reply: '554 No service' } },
      /^554 No service \(fault: closed\)/,
    ],
  ] as const)('made by a fault %s', async ([, fault, reason]) => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
    lab.faults.add(fault as FaultInput)
    await expectRefusal(lab, reason, () => send(lab))
  })

  test.for([
    [
      'imap4',
      ['a LOGIN bob x', 'b SELECT INBOX'],
      'NO [UNAVAILABLE] Later',
      /^NO \[UNAVAILABLE\] Later \(fault: reply/,
    ],
    ['pop3', ['USER bob', 'PASS x', 'STAT'], '-ERR [SYS/TEMP] Later', /^-ERR \[SYS\/TEMP\] Later \(fault: reply/],
    ['nntp', ['GROUP lab.general'], '400 Later', /^400 Later \(fault: reply/],
  ] as const)('made by a fault of %s', async ([protocol, lines, reply, reason]) => {
    await using lab = await startLab()
    const [verb = ''] = lines.at(-1)?.replace(/^b /, '').split(' ') ?? []
    lab.faults.add({ when: { protocol, verb }, do: { reply } })
    await expectRefusal(lab, reason, () => say(lab, protocol, ...lines))
  })

  test('of an article, and of a message for APPEND that is too large', async () => {
    await using lab = await startLab({
      news: { groups: [{ name: 'lab.read', posting: 'no' }] },
      virtualServers: [
        { protocol: 'nntp', tlsPort: 0 },
        { protocol: 'imap4', tlsPort: 0, limits: { messageSize: '10KB' } },
      ],
    })
    const article = ['POST', 'From: a@lab.test\r\nNewsgroups: lab.read\r\nSubject: x\r\n\r\nx\r\n.']
    await expectRefusal(lab, /^441 /, () => say(lab, 'nntp', ...article))
    await lab.reset()
    await expectRefusal(lab, /^NO \[TOOBIG\] /, () => say(lab, 'imap4', 'a LOGIN bob x', 'b APPEND INBOX {20000}'))
  })
})
