import { expect, test } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { startNewsLab } from '../support/news-lab.ts'
import { play } from '../support/transcript.ts'

test('RFC 3977 section 3.1: commands in mixed case, words by spaces and tabs, pipelining', async () => {
  await using lab = await startNewsLab()
  await lab.play(`
    C: gRoUp   lab.general
    S: 211 0 1 0 lab.general
    C: GROUP\\x09lab.general\\x20
    S: 211 0 1 0 lab.general
    C: DATE
    C: date
    S: 111 20261125120000
    S: 111 20261125120000
  `)
})

test('RFC 3977 section 3.1: lines of 512 octets at most', async () => {
  await using lab = await startNewsLab()
  await lab.play(`
    C: STAT <${'x'.repeat(600)}>
    S: 501 *
    C: STAT ${'x'.repeat(20_000)}
    S: 501 *
    C: DATE
    S: 111 *
  `)
})

test('RFC 3977 section 3.2.1: 500 for what is unknown, 501 for what is wrong', async () => {
  await using lab = await startNewsLab()
  const wrong = [
    'GROUP',
    'GROUP lab.general lab.test',
    'LIST NONSENSE',
    'MODE',
    'MODE POSTER',
    'ARTICLE 0x1',
    'ARTICLE <no end',
    'QUIT now',
    'CAPABILITIES x',
    'OVER 1-2-3',
    'LIST ACTIVE [a-z]',
    'LIST OVERVIEW.FMT x',
    'COMPRESS',
    'HDR',
  ]
  await lab.play(wrong.map((line) => `C: ${line}\nS: 501 *`).join('\n'))
  await lab.play('C: MAIL\nS: 500 *\nC:\nS: 500 *\nC: \\xff\\xfe\nS: 500 *')
})

test('RFC 3977 sections 5.1 and 5.4: greeting and QUIT', async () => {
  await using lab = await startNewsLab()
  const client = await LineClient.open(lab.port)
  await play(client, 'S: 200 *\nC: QUIT\nS: 205 *\nS: (end)')
})

test('RFC 3977 section 5.2: CAPABILITIES', async () => {
  await using lab = await startNewsLab()
  await lab.play(`
    C: CAPABILITIES
    S: 101 *
    S: VERSION 2
    S: IMPLEMENTATION Sealpost*
    S: AUTHINFO USER SASL
    S: COMPRESS DEFLATE
    S: HDR
    S: LIST ACTIVE ACTIVE.TIMES COUNTS DISTRIB.PATS DISTRIBUTIONS HEADERS MODERATORS MOTD NEWSGROUPS OVERVIEW.FMT SUBSCRIPTIONS
    S: NEWNEWS
    S: OVER MSGID
    S: POST
    S: READER
    S: SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256
    S: STARTTLS
    S: XPAT
    S: .
    C: CAPABILITIES AUTOUPDATE
    S: 101 *
  `)
})

test('RFC 3977 section 5.3: MODE READER at any moment', async () => {
  await using lab = await startNewsLab()
  await lab.play(
    'C: mode reader\nS: 200 *\nC: GROUP lab.general\nS: 211 *\nC: MODE READER\nS: 200 *\nC: STAT\nS: 420 *',
  )
  await using closed = await startNewsLab({ server: { access: 'anonymous-read', authentication: ['anonymous'] } })
  const client = await LineClient.open(closed.port)
  await play(client, 'S: 201 *\nC: MODE READER\nS: 201 *\nC: POST\nS: 440 *')
  client.destroy()
})

test('RFC 3977 section 7.2: HELP', async () => {
  await using lab = await startNewsLab()
  const client = await lab.client()
  client.send('HELP\r\n')
  const lines = await client.lines((line) => line === '.')
  expect(lines[0]).toMatch(/^100 /)
  expect(lines).toContain('  LISTGROUP [newsgroup [range]]')
  client.destroy()
})

test('RFC 3977 section 3.1: a silent client is let go without a word', async () => {
  await using lab = await startNewsLab({ idleTimeoutMs: 50 })
  const client = await LineClient.open(lab.port)
  expect(await client.rest()).toEqual([expect.stringMatching(/^200 /)])
})

test('RFC 3977 section 3.2.1: 400 when the server stops', async () => {
  const lab = await startNewsLab()
  const client = await lab.client()
  await lab[Symbol.asyncDispose]()
  expect(await client.rest()).toEqual([expect.stringMatching(/^400 /)])
})

test('RFC 3977 section 5.1: 400 for a client too many', async () => {
  await using lab = await startNewsLab({ limits: { connections: 1 } })
  const first = await lab.client()
  const second = await LineClient.open(lab.port)
  expect(await second.rest()).toEqual([expect.stringMatching(/^400 /)])
  first.destroy()
})
