import { afterAll, describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, nextSegment, reply } from './support.ts'

const MAIL = 'MAIL FROM:<a@b.test>'
const RCPT = 'RCPT TO:<alice@lab.test>'

const lab = await startMailLab(smtp, { mode: 'open' })
afterAll(() => lab[Symbol.asyncDispose]())

describe('case, white space and line ends, RFC 5321 sections 2.4, 2.3.8 and 4.1.1', () => {
  test.each([
    ['noop', 250],
    ['NoOp \t ', 250],
    ['NOOP\t', 250],
    ['rset  ', 250],
    ['data\t', 503],
    ['quit ', 221],
    ['ehlo  x ', 250],
    ['mail from:<a@b.test>', 250],
    ['MAIL FROM: <a@b.test>', 250],
    ['MAIL FROM :<a@b.test>', 250],
    ['MAIL  FROM:<a@b.test>', 250],
    ['MAIL FROM:<a@b.test> \t', 250],
    ['MAIL FROM:<a@b.test>  SIZE=1   body=8bitmime', 250],
    ['MAIL FROM:<a@b.test>SIZE=1', 501],
    ['MAIL FROM:<a@b.test>\tSIZE=1', 501],
    ['MAIL FROM:<a@b.test> SIZE=1\tBODY=7BIT', 501],
    ['MAIL FROM<a@b.test>', 501],
    ['MAIL TO:<a@b.test>', 501],
    ['MAIL <a@b.test>', 501],
    ['MAILFROM:<a@b.test>', 500],
    ['RCPT FROM:<alice@lab.test>', 501],
    ['DATA.', 500],
    // A tab is not a space.
    ['MAIL\tFROM:<a@b.test>', 500],
    // Octets that no command may have, such as NUL.
    ['NOOP\0', 500],
    ['\0NOOP', 500],
    ['NO\0OP', 500],
    ['\xffNOOP', 500],
    ['MAIL FROM:<a\0@b.test>', 501],
    ['MAIL FROM:<a@b.test>\0', 501],
    ['MAIL FROM:<a@b.test> SIZE=1\0', 501],
    ['MAIL FROM:<a@b.test\r>', 501],
    ['MAIL FROM:<\xff@b.test>', 501],
    // An address must be valid UTF-8. RFC 6531 section 3.3
    ['MAIL FROM:<\xff@b.test> SMTPUTF8', 501],
    ['MAIL FROM:<"\xc3"@b.test> SMTPUTF8', 501],
    ['MAIL FROM:<\xc3\xbc@b\xc3\xbc.test> SMTPUTF8', 250],
    // U+200B has no width.
    ['MAIL FROM:<a\xe2\x80\x8b@b.test> SMTPUTF8', 501],
    ['EHLO \0', 501],
  ])('%j: %i', async (command, code) => {
    using client = await greeted(lab)
    expect((await ask(client, command)).slice(0, 3)).toBe(String(code))
  })

  test.each(['\u017f', '\u212a', '\u0131'])('letters that Unicode folds to ASCII are not ASCII: %j', async (letter) => {
    using client = await greeted(lab)
    const utf8 = Buffer.from(letter).toString('latin1')
    const verb = letter === '\u0131' ? `QU${utf8}T` : `R${utf8}ET`
    expect(await ask(client, verb)).toMatch(/^500 5\.5\.2 /)
    expect(await ask(client, `${MAIL} ${utf8}IZE=1`)).toMatch(/^501 /)
  })

  test('a bare LF ends a command, as typed by hand, but a bare CR does not', async () => {
    using client = await greeted(lab)
    client.send('NOOP\nRSET\r\nMAIL FROM:<a@b.test>\nNOOP x\rQUIT\r\nHELP\n')
    const replies = [await reply(client), await reply(client), await reply(client), await reply(client)]
    expect(replies.flat().map((line) => line.slice(0, 9))).toEqual(['250 2.0.0', '250 2.0.0', '250 2.1.0', '250 2.0.0'])
    expect((await reply(client)).at(-1)).toMatch(/^214 /)
  })

  test('a line of 12,288 octets is accepted and a longer one rejected, at every split of its CRLF', async () => {
    using client = await greeted(lab)
    for (const cut of [0, 1, 12_287, 12_288, 12_289]) {
      for (const [octets, answer] of [
        [12_288, /^250 2\.0\.0 OK/],
        [12_289, /^500 5\.5\.6 /],
      ] as const) {
        const line = `${'NOOP '.padEnd(octets, 'x')}\r\n`
        client.send(line.slice(0, cut))
        await nextSegment()
        client.send(line.slice(cut))
        expect((await reply(client))[0], `${octets} cut at ${cut}`).toMatch(answer)
      }
    }
    expect(await ask(client, 'NOOP')).toBe('250 2.0.0 OK')
  })

  test('no reply line exceeds 512 octets for any input: section 4.5.3.1.5', async () => {
    using client = await greeted(lab)
    const long = 'x'.repeat(10_000)
    for (const command of [
      long,
      `VRFY ${long}`,
      `NOOP ${long}`,
      `EHLO ${long}`,
      `EHLO ${'x'.repeat(255)}`,
      `RSET ${long}`,
      `AUTH ${long}`,
      `BURL ${long}`,
    ]) {
      client.send(`${command}\r\n`)
      for (const line of await reply(client)) expect(line.length + 2).toBeLessThanOrEqual(512)
    }
    for (const command of [`MAIL FROM:<a@b.test> ${long}=1`, `MAIL FROM:<a@b.test> ${long}`]) {
      const answer = await ask(client, command)
      expect(answer).toMatch(/^555 5\.5\.4 /)
      expect(answer.length + 2).toBeLessThanOrEqual(512)
    }
  })
})

const at = (octets: number): string => `${'l'.repeat(octets - '@b.test'.length)}@b.test`

describe('paths, RFC 5321 sections 4.1.2 and 4.5.3.1', () => {
  test.each([
    [`<${at(254)}>`, 250],
    [`<${at(255)}>`, 501],
    [`<${'l'.repeat(64)}@b.test>`, 250],
    [`<@${'r'.repeat(200)}.test:${at(254)}>`, 250],
    ['<@one.test,@two.test:a@b.test>', 250],
    ['<@one.test,two.test:a@b.test>', 501],
    ['<@one.test:>', 501],
    ['<@:a@b.test>', 501],
    ['<""@b.test>', 250],
    ['<"\\""@b.test>', 250],
    ['<"\\"@b.test>', 501],
    ['<"a\tb"@b.test>', 501],
    ['<"a"b@b.test>', 501],
    ['<a."b"@b.test>', 501],
    ['<a b@b.test>', 501],
    ['<a@b.test >', 501],
    ['< a@b.test>', 501],
    ['<a@b.test.>', 501],
    ['<<a@b.test>>', 501],
    ['<a@b.test', 501],
    ['a@b.test', 501],
    ['a@b.test>', 501],
    ['Alice <a@b.test>', 501],
    ['<a@[127.0.0.1]>', 250],
    ['<a@[IPv6:::1]>', 250],
    ['<a@[ipv6:2001:DB8::1]>', 250],
    ['<a@[IPv6:fe80::1%eth0]>', 501],
    ['<a@[127.0.0.1>', 501],
    ['<a@127.0.0.1]>', 501],
    ['<a@[127.0.0.1].test>', 501],
    ['<a@[127.1]>', 501],
    ['<a@[]>', 501],
    ['<a@b.test,c@b.test>', 501],
    ['<@b.test>', 501],
    ['<a@>', 501],
    ['<a@@b.test>', 501],
    ['<.a@b.test>', 501],
    ['<a.@b.test>', 501],
    ['<"a@b.test>', 501],
    ['<a@.b.test>', 501],
    ['<a@b..test>', 501],
    ['<a@-b.test>', 501],
    ['<a@b.test->', 501],
    ['<a@[2001:db8::1]>', 501],
    ['<a@[IPv6:192.0.2.1]>', 501],
    ['<a\x07@b.test>', 501],
    ['<a@under_score.test>', 250],
    ["<a+b.c!#$%&'*/=?^_`{|}~-@b.test>", 250],
  ])('MAIL FROM:%s and RCPT TO: %i', async (path, code) => {
    using client = await greeted(lab)
    expect((await ask(client, `MAIL FROM:${path}`)).slice(0, 3)).toBe(String(code))
    await ask(client, 'RSET')
    await ask(client, MAIL)
    expect((await ask(client, `RCPT TO:${path}`)).slice(0, 3)).toBe(String(code))
  })

  test('a source route is ignored, and only a sender may be the null path', async () => {
    using client = await greeted(lab)
    for (const command of ['MAIL FROM:<>', 'RCPT TO:<@relay.test:route@lab.test>', 'RCPT TO:<postMASTER>'])
      expect(await ask(client, command)).toMatch(/^250 /)
    for (const command of ['RCPT TO:<>', 'RCPT TO:<@relay.test:>']) expect(await ask(client, command)).toMatch(/^501 /)
    await ask(client, 'DATA')
    expect(await ask(client, '.')).toMatch(/^250 /)
    const [mail] = await lab.inbox('route')
    expect(mail?.raw).toMatch(/^Return-Path: <>\r\n/)
    expect(mail?.entry.envelope).toMatchObject({ mailFrom: '', rcptTo: ['route@lab.test', 'postMASTER'] })
  })
})

describe('parameters of MAIL, RFC 5321 section 4.1.1.11', () => {
  test.each([
    ['SIZE=0', 250],
    ['SIZE=00000000000000000001', 250],
    ['SIZE=26214400', 250],
    ['SIZE=26214401', 552],
    ['SIZE=99999999999999999999', 552],
    ['SIZE=999999999999999999999', 501], // RFC 1870 section 4: 20 digits
    ['SIZE=', 501],
    ['SIZE=-1', 501],
    ['SIZE=1e3', 501],
    ['SIZE=0x10', 501],
    ['SIZE=1 SIZE=1', 501],
    ['body=7bit', 250],
    ['BODY=', 501],
    ['BODY=8BIT', 501],
    ['SMTPUTF8', 250],
    ['SMTPUTF8=', 501],
    ['SMTPUTF8=1', 501],
    ['SMTPUTF8 SMTPUTF8', 501],
    ['=1', 501],
    ['X-UNKNOWN', 555],
    ['X-UNKNOWN=', 555],
    ['__PROTO__=1', 501],
    ['CONSTRUCTOR=1', 555],
    ['NOTIFY=NEVER', 555], // a parameter of RCPT
    ['AUTH=<>', 250],
    ['AUTH=a+2Bb@b.test', 250],
    ['AUTH=', 501],
  ])('%s: %i', async (parameters, code) => {
    using client = await greeted(lab)
    expect((await ask(client, `${MAIL} ${parameters}`)).slice(0, 3)).toBe(String(code))
    // A rejected MAIL opens no transaction.
    expect((await ask(client, RCPT)).slice(0, 3)).toBe(code === 250 ? '250' : '503')
  })
})
