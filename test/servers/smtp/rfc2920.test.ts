import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { some } from '../../support/thorough.ts'
import { nextSegment, withoutTrace } from './support.ts'

const envelope = 'MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\n'

/** Commands that may be sent without waiting, and the code of each answer. */
const pipelined: readonly (readonly [string, number])[] = [
  ['EHLO client.test\r\n', 250],
  ['MAIL FROM:<lost@b.test>\r\n', 250],
  ['RCPT TO:<bob@lab.test>\r\n', 250],
  ['RSET\r\n', 250],
  ['MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME\r\n', 250],
  ['RCPT TO:<nobody@lab.test>\r\n', 550],
  ['DATA\r\n', 503],
  ['RCPT TO:<alice@lab.test>\r\n', 250],
  ['NOOP\r\n', 250],
  ['DATA\r\n', 354],
  ['Subject: first\r\n\r\n..\r\n..two\r\nQUIT\r\n.\r\n', 250],
  ['MAIL FROM:<>\r\n', 250],
  ['RCPT TO:<alice@lab.test>\r\n', 250],
  ['BDAT 9\r\nSubject: ', 250],
  ['DATA\r\n', 503],
  ['BDAT 0\r\n', 250],
  ['BDAT 16 LAST\r\nsecond\r\n\r\n.\r\n\r\n\r', 250],
  ['VRFY alice\r\n', 252],
  ['XYZZY\r\n', 500],
  [envelope.slice(0, 22), 250],
  [envelope.slice(22), 250],
  ['DATA\r\n', 354],
  ['.\r\n', 250],
  ['QUIT\r\n', 221],
]
const all = pipelined.map(([text]) => text).join('')
const codes = pipelined.map(([, code]) => String(code))
const kept = ['Subject: first\r\n\r\n.\r\n.two\r\nQUIT\r\n', 'Subject: second\r\n\r\n.\r\n\r\n\r', '']

async function expectAll(lab: MailLab, client: LineClient, cuts: readonly number[]): Promise<void> {
  await client.line()
  let from = 0
  for (const cut of [...cuts, all.length]) {
    client.send(all.slice(from, cut))
    from = cut
    if (cut < all.length) await nextSegment()
  }
  const replies = (await client.rest()).filter((line) => line[3] === ' ')
  const where = `cut at ${cuts.slice(0, 3)}`
  expect(replies.map((line) => line.slice(0, 3)), where).toEqual(codes) // biome-ignore format: one line
  const got = (await lab.inbox('alice')).slice(-kept.length)
  expect(got.map(({ raw }) => withoutTrace(raw)), where).toEqual(kept) // biome-ignore format: one line
}

describe('pipelined commands', () => {
  test('in one segment, and in two segments cut at every octet', async () => {
    await using lab = await startMailLab(smtp)
    await expectAll(lab, await LineClient.open(lab.port), [])
    const cuts = some(
      Array.from({ length: all.length - 1 }, (_, i) => i + 1),
      60,
    )
    for (const cut of cuts) await expectAll(lab, await LineClient.open(lab.port), [cut])
    expect(await lab.inbox('alice')).toHaveLength(kept.length * (1 + cuts.length))
    expect(await lab.inbox('bob')).toEqual([])
  })

  test.each(['clear', 'TLS'])('one octet per segment: %s', async (form) => {
    await using lab = await startMailLab(smtp)
    const client = form === 'TLS' ? await LineClient.openTls(lab.tlsPort, lab.ca) : await LineClient.open(lab.port)
    await expectAll(
      lab,
      client,
      Array.from({ length: all.length - 1 }, (_, i) => i + 1),
    )
  })

  test.each(['in one segment', 'cut'])(
    'a client that closes its side after the last command gets all replies: %s',
    async (form) => {
      await using lab = await startMailLab(smtp)
      const client = await LineClient.open(lab.port)
      const text = `EHLO x\r\n${envelope}DATA\r\nSubject: x\r\n\r\n.\r\n${'NOOP\r\n'.repeat(500)}`
      if (form === 'cut') {
        client.send(text.slice(0, 40))
        await nextSegment()
        client.send(text.slice(40))
      } else client.send(text)
      client.end()
      const replies = (await client.rest()).filter((line) => line[3] === ' ').map((line) => line.slice(0, 3))
      expect(replies).toEqual(['220', '250', '250', '250', '354', '250', ...Array.from({ length: 500 }, () => '250')])
      expect((await lab.inbox('alice')).map(({ raw }) => withoutTrace(raw))).toEqual(['Subject: x\r\n\r\n'])
    },
  )

  test.each([
    ['a half command', `EHLO x\r\n${envelope}NOO`, ['220', '250', '250', '250']],
    ['a half message', `EHLO x\r\n${envelope}DATA\r\nSubject: x\r\n\r\n.\r`, ['220', '250', '250', '250', '354']],
    ['a half chunk', `EHLO x\r\n${envelope}BDAT 10 LAST\r\nSubject: `, ['220', '250', '250', '250']],
    ['chunks without LAST', `EHLO x\r\n${envelope}BDAT 3\r\nx\r\n`, ['220', '250', '250', '250', '250']],
  ])('a client that closes its side in the middle leaves no message: %s', async (_, text, expected) => {
    await using lab = await startMailLab(smtp)
    const client = await LineClient.open(lab.port)
    client.send(text)
    client.end()
    const replies = (await client.rest()).filter((line) => line[3] === ' ').map((line) => line.slice(0, 3))
    expect(replies).toEqual(expected)
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('client closed')
    expect(await lab.inbox('alice')).toEqual([])
  })
})
