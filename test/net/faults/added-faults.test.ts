import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import { isCommand } from '../../../servers/imap4/commands/index.ts'
import { findCommand } from '../../../servers/nntp/commands/index.ts'
import { commands as pop3 } from '../../../servers/pop3/commands/index.ts'
import { commands as smtp } from '../../../servers/smtp/commands/index.ts'
import { verbs } from '../../../src/core/config/schema/fault-words.ts'
import { type FaultInput, startLab, type TestLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'

const soon = { timeout: 30 }
/** For what happens in any case, however slow the machine is. */
const patient = { timeout: 60_000 }

async function send(lab: TestLab, text = 'words'): Promise<number> {
  const transport = createTransport(lab.nodemailer('shop'))
  try {
    await transport.sendMail({ from: 'shop@lab.test', to: 'bob@lab.test', text })
    return 250
  } catch (error) {
    return (error as { responseCode?: number }).responseCode ?? 0
  }
}

test('a fault counts how often it happened, and a test can wait for it', async () => {
  await using lab = await startLab()
  const fault = lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '451 4.3.0 later' }, times: 2 })
  expect(fault.hits).toBe(0)
  const first = fault.hit(patient)
  expect([await send(lab), await send(lab), await send(lab)]).toEqual([451, 451, 250])
  expect(fault.hits).toBe(2)
  expect(await first).toMatchObject({ number: 1, session: { protocol: 'smtp', user: 'shop' } })
  expect((await fault.hit(patient)).number).toBe(2)
  const { message, stack = '' } = await fault.hit(soon).then(
    () => new Error('it happened'),
    (error: Error) => error,
  )
  expect(message).toMatch(
    /^the fault "reply 451 4.3.0 later" did not happen again within 30 ms; its conditions were met 3 times and it happened 2 times \(`skip`, `times`\)\nsessions:\n/,
  )
  expect(/\n\s+at (.*)/.exec(stack)?.[1]).toContain('added-faults.test.ts')
})

test('a fault that no client meets says so', async () => {
  await using lab = await startLab()
  using fault = lab.faults.add({ name: 'full', when: { protocol: 'imap4', verb: 'APPEND' }, do: { drop: 'before' } })
  await send(lab)
  await expect(fault.hit(soon)).rejects.toThrow(
    'the fault "full" did not happen within 30 ms; its conditions (`when`) were never met',
  )
  await expect(fault.hit({ timeout: -1 })).rejects.toThrow('fault.hit: options.timeout: is -1; must be a number from 0')
})

test('a fault within a message counts only if the message is long enough', async () => {
  await using lab = await startLab()
  const fault = lab.faults.add({ when: { on: 'data' }, do: { dropAfterOctets: 2_000 } })
  expect(await send(lab)).toBe(250)
  expect(fault.hits).toBe(0)
  expect(await send(lab, 'words '.repeat(2_000))).toBe(0)
  expect(fault.hits).toBe(1)
})

test('a removed fault does not happen again, and waits for it end', async () => {
  await using lab = await startLab()
  const faults = [1, 2, 3].map(() => lab.faults.add({ when: { verb: 'RCPT' }, do: { delay: 1 } }))
  const waits = faults.map((fault) => fault.hit(patient))
  faults[0]?.remove()
  faults[1]?.()
  await lab.reset()
  for (const hit of waits) await expect(hit).rejects.toThrow('the fault was removed, so it cannot happen any more')
  await expect(faults[0]?.hit(patient)).rejects.toThrow('the fault was removed')
  await send(lab)
  expect(faults.map(({ hits }) => hits)).toEqual([0, 0, 0])
})

test('rawReply sends what no server would', async () => {
  await using lab = await startLab()
  lab.faults.add({ when: { protocol: 'imap4', verb: 'NOOP' }, do: { rawReply: ['banana', '* what'] } })
  const client = await LineClient.greeted(lab.server('imap4').port)
  client.send('a NOOP\r\n')
  expect([await client.line(), await client.line()]).toEqual(['banana', '* what'])
  client.send('b LOGOUT\r\n')
  await client.rest()
})

describe('a mistyped fault is refused with all its mistakes', () => {
  it.each([
    [{ wen: {}, do: { drop: 'before' } }, 'wen: unknown key; did you mean when?'],
    [
      { when: { verbb: 'RCPT', zzz: 1 }, do: { drop: 'before' } },
      'when.verbb: unknown key; did you mean verb?\nwhen.zzz: unknown key; known here: protocol, virtualServer, direction, connector, on, verb, method, matching, user, tls, connection, nth or chance',
    ],
    [{ do: { zzz: 1 } }, /^do\.zzz: unknown key; known here: delay, reply, rawReply, greeting, .* or stored$/],
    [{}, /^do: is missing; must be a mapping of delay, reply, rawReply, /],
    [null, /^is empty; must be a mapping of name, when, do, skip, times$/],
    [
      { when: { protocol: 'imap' }, do: { drop: 'before' } },
      /must be smtp, pop3, imap4, nntp, lmtp, managesieve, http or jmap; did you mean imap4\?/,
    ],
    [
      { when: { protocol: 'smtp', verb: 'RCTP' }, do: { drop: 'before' } },
      'when.verb: is "RCTP": not a command of smtp; did you mean RCPT? To match any other line, write matching: "^RCTP"',
    ],
    [
      { when: { protocol: 'pop3', verb: 'RCPT' }, do: { drop: 'before' } },
      /not a command of pop3; to match any other line/,
    ],
    [{ when: { verb: 'FETSH' }, do: { drop: 'before' } }, /not a command; did you mean FETCH/],
    [
      { when: { matching: '(' }, do: { drop: 'before' } },
      'when.matching: is "(": not a regular expression: /(/: Unterminated group',
    ],
    [
      { when: { on: 'connect', verb: 'RCPT' }, do: { drop: 'before' } },
      'when.verb: is "RCPT": never holds on connect, before the client has sent a command; remove it',
    ],
    [
      { when: { verb: 'RCPT' }, do: { reply: 'later' } },
      'do.reply: is "later": not a reply; write for example "451 4.3.0 Try again later" (smtp). rawReply sends any lines',
    ],
    [{ when: { verb: 'RCPT' }, do: { reply: '999 no' } }, /not a reply/],
    [{ when: { verb: 'EHLO' }, do: { reply: ['250-a', '250-b'] } }, /not a reply/],
    [{ when: { verb: 'EHLO' }, do: { reply: ['250-a', '550 b'] } }, /not a reply/],
    [{ when: { verb: 'RCPT' }, do: { reply: '451 a\r\n451 b' } }, /contains a line end; write a list/],
    [{ when: { protocol: 'pop3' }, do: { reply: 'ERR no' } }, /"-ERR \[SYS\/TEMP\] Try again later" \(pop3\)/],
    [{ when: { verb: 'SELECT' }, do: { reply: '451 no' } }, /"NO \[UNAVAILABLE\] Try again later" \(imap4\)/],
    [{ when: { protocol: 'imap4' }, do: { reply: 'BYE no' } }, /"\* BYE Try again later" \(imap4\)/],
    [{ when: { protocol: 'nntp', verb: 'GROUP' }, do: { reply: 'no such group' } }, /"403 Try again later" \(nntp\)/],
    [{ when: { protocol: 'smtp' }, do: { greeting: 'hello' } }, /^do\.greeting: is "hello": not a reply/],
  ] as readonly (readonly [unknown, string | RegExp])[])('%j', async (fault, message) => {
    await using lab = await startLab()
    const add = () => lab.faults.add(fault as FaultInput)
    expect(add).toThrow(message)
    expect(add).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })

  it.each([
    { when: { verb: 'rcpt' }, do: { reply: '250 ok' } },
    { when: { verb: 'UID' }, do: { reply: 'OK' } },
    { when: { verb: 'XCLIENT' }, do: { reply: '220 ok' } },
    { when: { protocol: 'imap4', verb: 'SEARCH' }, do: { reply: ['* SEARCH {5}', 'hello', '{tag} OK done'] } },
    { when: { protocol: 'pop3', verb: 'LIST' }, do: { reply: ['+OK', '1 100', '.'] } },
    { when: { connection: 2 }, do: { reply: '421 4.3.2 Too busy' } },
    { when: { matching: /^RCPT .*bob/ }, do: { reply: ['550-5.1.1 No', '550 5.1.1 such user'] } },
  ] as readonly FaultInput[])('%j is accepted', async (fault) => {
    await using lab = await startLab()
    expect(lab.faults.add(fault).hits).toBe(0)
  })
})

test('the verbs of faults are the commands of the servers', () => {
  const { smtp: ofSmtp = [], pop3: ofPop3 = [], imap4: ofImap4 = [], nntp: ofNntp = [] } = verbs
  expect(ofSmtp).toEqual(expect.arrayContaining([...smtp.keys()]))
  expect(ofPop3).toEqual(expect.arrayContaining([...pop3.keys()]))
  expect(ofImap4.filter((verb) => !isCommand(verb)).toSorted()).toEqual(['ESEARCH', 'UID'])
  const unknown = ofNntp.filter((verb) => {
    try {
      return findCommand(verb.split(' ')) === undefined
    } catch {
      return true
    }
  })
  expect(unknown.toSorted()).toEqual(['AUTHINFO', 'MODE', 'SLAVE'])
})
