import { afterAll, describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { TestClock } from '../../support/test-clock.ts'
import { ask, greeted } from './support.ts'

const lab = await startMailLab(smtp)
afterAll(() => lab[Symbol.asyncDispose]())

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

describe('parameters, RFC 3461 section 4', () => {
  test.each([
    ['RET=full', 250],
    ['RET=HDRS ENVID=x', 250],
    ['RET=', 501],
    ['RET', 501],
    ['RET=FULL,HDRS', 501],
    ['RET=FULL ret=FULL', 501],
    ['ENVID=', 501],
    ['ENVID=a ENVID=b', 501],
    ['ENVID=a+2Bb+3Dc', 250],
    [`ENVID=${'a'.repeat(100)}`, 250],
    [`ENVID=${'a'.repeat(101)}`, 501],
    // In xtext, + and = are encoded as + and two capital hexadecimal digits.
    ['ENVID=a=b', 501],
    ['ENVID=a+b', 501],
    ['ENVID=a+', 501],
    ['ENVID=a+2', 501],
    ['ENVID=a+2b', 501],
    ['ENVID=a+GG', 501],
    ['ENVID=+00', 501],
    ['ENVID=a+0D+0AX:', 501],
    // curl sends AUTH without xtext encoding. Encoded control characters are still rejected.
    ['AUTH=a+b=c@d.test', 250],
    ['AUTH=a+0D+0A', 501],
    ['AUTH=+3C+3E', 250],
  ])('MAIL %s: %i', async (parameters, code) => {
    using client = await greeted(lab)
    expect((await ask(client, `MAIL FROM:<a@b.test> ${parameters}`)).slice(0, 3)).toBe(String(code))
  })

  test.each([
    ['NOTIFY=NEVER', 250],
    ['notify=never', 250],
    ['NOTIFY=SUCCESS,FAILURE,DELAY', 250],
    ['NOTIFY=Delay,success', 250],
    ['NOTIFY=', 501],
    ['NOTIFY', 501],
    ['NOTIFY=,', 501],
    ['NOTIFY=SUCCESS,', 501],
    ['NOTIFY=,SUCCESS', 501],
    ['NOTIFY=SUCCESS,NEVER', 501],
    ['NOTIFY=NEVER,NEVER', 501],
    ['NOTIFY=SUCCESS NOTIFY=DELAY', 501],
    ['ORCPT=rfc822;a+2Bb@c.test', 250],
    ['ORCPT=RFC822;a@c.test', 250],
    ['ORCPT=x-local;+20', 250],
    ['ORCPT=', 501],
    ['ORCPT', 501],
    ['ORCPT=;a@c.test', 501],
    ['ORCPT=rfc822;', 501],
    ['ORCPT=rfc822', 501],
    ['ORCPT=rfc822;a+b@c.test', 501],
    ['ORCPT=rfc822;a=b@c.test', 501],
    ['ORCPT=rfc822;a+0A', 501],
    ['ORCPT=rfc822;a ORCPT=rfc822;a', 501],
    ['SIZE=1', 555],
    ['RET=FULL', 555],
  ])('RCPT %s: %i', async (parameters, code) => {
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    expect((await ask(client, `RCPT TO:<alice@lab.test> ${parameters}`)).slice(0, 3)).toBe(String(code))
    // A rejected RCPT adds no recipient.
    expect((await ask(client, 'DATA')).slice(0, 3)).toBe(code === 250 ? '354' : '503')
  })

  test('RFC 6533 section 3: an original recipient in UTF-8', async () => {
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test> SMTPUTF8')
    expect(await ask(client, utf8('RCPT TO:<alice@lab.test> ORCPT=utf-8;älice@lab.test'))).toMatch(/^250 /)
    expect(await ask(client, 'RCPT TO:<bob@lab.test> ORCPT=utf-8;b\\x{F6}b@lab.test')).toMatch(/^250 /)
  })
})

describe('delivery reports', () => {
  const reports = async (envelope: readonly string[]): Promise<string[]> => {
    await using own = await startMailLab(smtp)
    const client = await greeted(own)
    for (const command of envelope) expect(await ask(client, command)).toMatch(/^250 /)
    await ask(client, 'DATA')
    expect(await ask(client, 'Subject: x\r\nBcc: bob@lab.test\r\n\r\n.')).toMatch(/^250 /)
    client.destroy()
    // A report that is not requested is not attempted either.
    expect(JSON.stringify(own.sessions()[0]?.transcript)).not.toContain('no delivery report')
    return (await own.inbox('bob')).map(({ raw }) => raw)
  }

  test.each([
    ['none requested', 'MAIL FROM:<bob@lab.test>', ['RCPT TO:<alice@lab.test>']],
    ['NEVER', 'MAIL FROM:<bob@lab.test>', ['RCPT TO:<alice@lab.test> NOTIFY=NEVER']],
    ['only failures', 'MAIL FROM:<bob@lab.test>', ['RCPT TO:<alice@lab.test> NOTIFY=FAILURE,DELAY']],
    ['the null reverse-path', 'MAIL FROM:<>', ['RCPT TO:<alice@lab.test> NOTIFY=SUCCESS']],
  ])('are not sent: %s', async (_, mail, recipients) => {
    expect(await reports([mail, ...recipients])).toEqual([])
  })

  test('the last RCPT for an address decides', async () => {
    const twice = ['RCPT TO:<alice@lab.test> NOTIFY=SUCCESS', 'RCPT TO:<alice@lab.test> NOTIFY=NEVER']
    expect(await reports(['MAIL FROM:<bob@lab.test>', ...twice])).toEqual([])
    expect(await reports(['MAIL FROM:<bob@lab.test>', ...twice.reverse()])).toHaveLength(1)
  })

  test('RSET forgets the requests of its transaction', async () => {
    const first = ['MAIL FROM:<bob@lab.test> ENVID=old', 'RCPT TO:<alice@lab.test> NOTIFY=SUCCESS', 'RSET']
    expect(await reports([...first, 'MAIL FROM:<bob@lab.test>', 'RCPT TO:<alice@lab.test>'])).toEqual([])
    const [report] = await reports([...first, 'MAIL FROM:<bob@lab.test>', first[1] ?? ''])
    expect(report).not.toContain('Original-Envelope-Id')
  })

  test('RFC 3464: the whole report, without the body of the message', async () => {
    await using own = await startMailLab(smtp, { clock: new TestClock(), mode: 'open' })
    using client = await greeted(own)
    for (const command of [
      'MAIL FROM:<bob@lab.test> ENVID=QQ314159 RET=FULL SMTPUTF8',
      'RCPT TO:<alice@lab.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;alice@lab.test',
      utf8('RCPT TO:<zoë@lab.test> NOTIFY=SUCCESS'),
      'RCPT TO:<x@one.test> NOTIFY=SUCCESS',
      'RCPT TO:<y@two.test> NOTIFY=FAILURE',
      'RCPT TO:<z@two.test>',
    ]) {
      expect(await ask(client, command)).toMatch(/^250 /)
    }
    await ask(client, 'DATA')
    expect(await ask(client, 'Subject: report me\r\n\r\nsecret body\r\n.')).toMatch(/^250 /)
    const [report, ...others] = await own.inbox('bob')
    expect(others).toEqual([])
    expect(report?.entry.envelope).toEqual({
      mailFrom: '',
      rcptTo: ['bob@lab.test'],
      session: own.sessions()[0]?.id,
    })
    const raw = Buffer.from(report?.raw ?? '', 'latin1').toString()
    const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? ''
    expect(boundary).toMatch(/^report-[0-9a-f]{24}$/)
    expect(raw.replaceAll(boundary, 'BOUNDARY').split('\r\n')).toEqual([
      'Return-Path: <>',
      'From: Mail Delivery System <postmaster@lab.test>',
      'To: <bob@lab.test>',
      'Subject: Successful mail delivery report',
      'Date: Wed, 25 Nov 2026 12:00:00 +0000',
      'Message-ID: <BOUNDARY@localhost>',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status;',
      '\tboundary="BOUNDARY"',
      '',
      '--BOUNDARY',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      '',
      'Your message to alice@lab.test was delivered.',
      'Your message to zoë@lab.test was delivered.',
      'Your message to x@one.test was relayed to a system that may send no further report.',
      '',
      '--BOUNDARY',
      'Content-Type: message/global-delivery-status',
      'Content-Transfer-Encoding: 8bit',
      '',
      'Reporting-MTA: dns; localhost',
      'Original-Envelope-Id: QQ314159',
      'Arrival-Date: Wed, 25 Nov 2026 12:00:00 +0000',
      '',
      'Original-Recipient: rfc822;alice@lab.test',
      'Final-Recipient: rfc822; alice@lab.test',
      'Action: delivered',
      'Status: 2.1.5',
      '',
      'Final-Recipient: utf-8; zoë@lab.test',
      'Action: delivered',
      'Status: 2.1.5',
      '',
      'Final-Recipient: rfc822; x@one.test',
      'Action: relayed',
      'Status: 2.1.5',
      '',
      '--BOUNDARY',
      'Content-Type: text/rfc822-headers',
      '',
      'Subject: report me',
      '',
      '',
      '--BOUNDARY--',
      '',
    ])
  })

  test('ENVID and ORCPT are reported decoded', async () => {
    const [report] = await reports([
      'MAIL FROM:<bob@lab.test> ENVID=a+2Bb+3Dc+20d',
      'RCPT TO:<alice@lab.test> NOTIFY=success ORCPT=rfc822;x+2By@c.test',
    ])
    expect(report).toContain('\r\nOriginal-Envelope-Id: a+b=c d\r\n')
    expect(report).toContain('\r\nOriginal-Recipient: rfc822;x+y@c.test\r\nFinal-Recipient: rfc822; alice@lab.test\r\n')
  })
})
