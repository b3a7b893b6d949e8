import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import type { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, nextSegment, reply, withoutTrace } from './support.ts'

interface Case {
  readonly sent: string
  /** The message of bob, whom Bcc may name. */
  readonly whole: string
  /** The message of alice, whom Bcc does not name. */
  readonly stripped: string
}

const same = (sent: string, whole = sent): Case => ({ sent, whole, stripped: whole })

const cases: Readonly<Record<string, Case>> = {
  empty: same(''),
  'an empty line': same('\r\n'),
  'no header': same('\r\nBcc: bob@lab.test\r\nMessage-ID: <body@b.test>\r\n'),
  'only a header': same('Subject: x\r\nMessage-Id: <1@b.test>\r\n'),
  'only a header, with Bcc': {
    sent: 'Subject: x\r\nBCC: bob@lab.test\r\n',
    whole: 'Subject: x\r\nBCC: bob@lab.test\r\n',
    stripped: 'Subject: x\r\n',
  },
  'Bcc and Message-ID in the middle': {
    sent: 'To: alice\r\nbCC \t:\r\n\tBob <bob@lab.test>,\r\n c@d.test\r\nMessage-ID:\r\n <2@b.test>\r\n\r\nBcc: x\r\n',
    whole: 'To: alice\r\nbCC \t:\r\n\tBob <bob@lab.test>,\r\n c@d.test\r\nMessage-ID:\r\n <2@b.test>\r\n\r\nBcc: x\r\n',
    stripped: 'To: alice\r\nMessage-ID:\r\n <2@b.test>\r\n\r\nBcc: x\r\n',
  },
  'Bcc first and last, with bare LFs': {
    sent: 'Resent-Bcc: bob@lab.test\nX: y\n z\nBcc: bob@lab.test\n\nx\r\n\n\r\n\r',
    whole: 'Resent-Bcc: bob@lab.test\r\nX: y\r\n z\r\nBcc: bob@lab.test\r\n\r\nx\r\n\r\n\r\n\r',
    stripped: 'X: y\r\n z\r\n\r\nx\r\n\r\n\r\n\r',
  },
  'a line before Bcc that is no field': {
    sent: 'this is no field\r\nBcc: bob@lab.test\r\n\r\n',
    whole: 'this is no field\r\nBcc: bob@lab.test\r\n\r\n',
    stripped: 'this is no field\r\n\r\n',
  },
  'dots, CRs and LFs': same('.\r\n..\r\n\r.\r\r\n.\n.\n\r\r\n\n', '.\r\n..\r\n\r.\r\r\n.\r\n.\r\n\r\r\n\r\n'),
}

async function begin(client: LineClient): Promise<void> {
  for (const command of ['MAIL FROM:<a@b.test>', 'RCPT TO:<alice@lab.test>', 'RCPT TO:<bob@lab.test>'])
    expect(await ask(client, command)).toMatch(/^250 /)
}

/** Returns a function that returns the messages of alice and bob since the last call. */
function arrivals(lab: MailLab): () => Promise<string[]> {
  let seen = 0
  return async () => {
    const [alice, bob] = [(await lab.inbox('alice')).slice(seen), (await lab.inbox('bob')).slice(seen)]
    seen += alice.length
    return [...alice, ...bob].map(({ raw }) => withoutTrace(raw))
  }
}

const expected = ({ whole, stripped }: Case): string[] => [stripped, whole]

describe.each(Object.entries(cases))('a message in pieces: %s', (_, message) => {
  test('by BDAT, in two chunks cut at every octet, and in chunks of one octet', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    const next = arrivals(lab)
    const { sent } = message
    for (let cut = 0; cut <= sent.length; cut++) {
      await begin(client)
      client.send(`BDAT ${cut}\r\n${sent.slice(0, cut)}BDAT ${sent.length - cut} LAST\r\n${sent.slice(cut)}`)
      expect([await reply(client), await reply(client)].flat().map((line) => line.slice(0, 3))).toEqual(['250', '250'])
      expect(await next(), `cut at ${cut}`).toEqual(expected(message))
    }
    await begin(client)
    client.send(`${[...sent].map((octet) => `BDAT 1\r\n${octet}`).join('')}BDAT 0 LAST\r\n`)
    await client.lines((line) => line.startsWith('250 2.0.0 OK'))
    expect(await next()).toEqual(expected(message))
  })

  test('by DATA, in two segments cut at every octet, and one octet per segment', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    const next = arrivals(lab)
    // DATA ends the last line, if the message does not.
    const isEnded = message.sent === '' || message.sent.endsWith('\r\n')
    const end = isEnded ? '' : '\r\n'
    const stuffed = `${message.sent.replace(/(^|\r\n)\./g, '$1..')}${end}.\r\n`
    const wanted = expected({ ...message, whole: message.whole + end, stripped: message.stripped + end })
    const every = Array.from({ length: stuffed.length - 1 }, (_, i) => i + 1)
    for (const cuts of [...every.map((cut) => [cut]), every]) {
      await begin(client)
      expect(await ask(client, 'DATA')).toMatch(/^354 /)
      let from = 0
      for (const cut of [...cuts, stuffed.length]) {
        client.send(stuffed.slice(from, cut))
        from = cut
        await nextSegment()
      }
      expect((await reply(client))[0]).toMatch(/^250 /)
      expect(await next(), `cut at ${cuts.join()}`).toEqual(wanted)
    }
  })
})
