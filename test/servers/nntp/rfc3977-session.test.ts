import { expect, test } from 'vitest'
import { basicMechanisms } from '../../support/basic-mechanisms.ts'
import { LineClient } from '../../support/line-client.ts'
import { startNewsLab } from '../../support/news-lab.ts'

test('RFC 3977 section 3.1: mixed case, spaces and tabs between words, pipelining', async () => {
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

test('RFC 3977 section 3.1: a command line has at most 512 octets', async () => {
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

test('RFC 3977 section 3.2.1: 500 for unknown commands, 501 for wrong arguments', async () => {
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

test('RFC 3977 section 3.1: control characters from the client cannot split a response line', async () => {
  await using lab = await startNewsLab()
  await lab.play('C: STAT a\\x0db\\x00\\x0bc\nS: 501 Invalid article number: a b c')
})

test('RFC 3977 sections 5.1 and 5.4: greeting and QUIT', async () => {
  await using lab = await startNewsLab()
  const client = await LineClient.open(lab.port)
  await client.play('S: 200 *\nC: QUIT\nS: 205 *\nS: (end)')
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
    S: SASL ${basicMechanisms(false).join(' ')}
    S: STARTTLS
    S: XPAT
    S: .
    C: CAPABILITIES AUTOUPDATE
    S: 101 *
  `)
})

test('RFC 3977 section 5.3: MODE READER at any time', async () => {
  await using lab = await startNewsLab()
  await lab.play(
    'C: mode reader\nS: 200 *\nC: GROUP lab.general\nS: 211 *\nC: MODE READER\nS: 200 *\nC: STAT\nS: 420 *',
  )
  await using closed = await startNewsLab({ server: { access: 'anonymous-read', authentication: ['anonymous'] } })
  using client = await LineClient.open(closed.port)
  await client.play('S: 201 *\nC: MODE READER\nS: 201 *\nC: POST\nS: 440 *')
})

test('RFC 3977 section 7.2: HELP', async () => {
  await using lab = await startNewsLab()
  using client = await lab.client()
  client.send('HELP\r\n')
  const lines = await client.lines((line) => line === '.')
  expect(lines[0]).toMatch(/^100 /)
  expect(lines).toContain('  LISTGROUP [newsgroup [range]]')
})

test('RFC 3977 section 3.1: a timeout closes the connection without a response', async () => {
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

test('RFC 3977 section 5.1: 400 for a client over the connection limit', async () => {
  await using lab = await startNewsLab({ limits: { connections: 1 } })
  using _first = await lab.client()
  const second = await LineClient.open(lab.port)
  expect(await second.rest()).toEqual([expect.stringMatching(/^400 /)])
})
