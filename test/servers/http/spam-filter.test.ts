import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { HttpLab } from './client.ts'

/** The answer of spamd 4.0.1 to GTUBE, with a description in two lines. */
const SPAMD = [
  'SPAMD/1.1 0 EX_OK',
  'Content-length: 0',
  'Spam: True ; 1000.0 / 5.0',
  '',
  'Content analysis details:   (1000.0 points, 5.0 required)',
  '',
  ' pts rule name              description',
  '---- ---------------------- --------------------------------------------------',
  '-0.1 NO_RECEIVED            Informational: message has no Received headers',
  '1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email',
  ' 0.0 MSGID_SHORT            Message-ID is unusually',
  '                            short',
  '',
].join('\r\n')

/** The answer of rspamd 3.12.1 to a plain message, with fewer symbols. */
const RSPAMD = {
  is_skipped: false,
  score: 1,
  required_score: 15,
  action: 'no action',
  thresholds: { reject: 15, 'add header': 6, greylist: 4 },
  symbols: {
    RCVD_COUNT_ZERO: { name: 'RCVD_COUNT_ZERO', score: 0, metric_score: 0, options: ['0'] },
    DATE_IN_PAST: { name: 'DATE_IN_PAST', score: 1, metric_score: 1, description: 'Message date is in the past' },
  },
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

let asked = ''
let answer = SPAMD

const spamd = createServer({ allowHalfOpen: true }, (socket) => {
  asked = ''
  socket.on('data', (piece) => {
    asked += piece
  })
  socket.on('end', () => socket.end(answer))
}).listen(0, '127.0.0.1')
const rspamd = createHttpServer(async (request, response) => {
  asked = `${request.method} ${request.url} `
  for await (const piece of request) asked += piece
  response.end(JSON.stringify(RSPAMD))
}).listen(0, '127.0.0.1')
await Promise.all([once(spamd, 'listening'), once(rspamd, 'listening')])
afterAll(() => {
  spamd.close()
  rspamd.close()
})

/** Starts a lab with a spam filter and a message. */
async function labWith(spamFilter: string): Promise<HttpLab> {
  const http = await HttpLab.start({
    mail: { spamFilter },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
  })
  await http.lab.deliver({ to: 'alice@lab.test', subject: 'Judge me' }, { to: 'alice' })
  return http
}

async function verdictsOf(http: HttpLab) {
  const [{ id }] = (await http.request('messages')).body.items
  const { items } = (await http.request(`messages/${id}/checks?check=spam`)).body
  const said = items.map(({ level, message, source }: Record<string, string>) => `${level} ${source}: ${message}`)
  return { said, mailpit: (await http.request('/mailpit/api/v1/message/latest/sa-check')).body }
}

describe('the spam filter', () => {
  it('is spamd of SpamAssassin, which judges instead of the own rules', async () => {
    await using http = await labWith(`spamd://127.0.0.1:${portOf(spamd)}`)
    const { said, mailpit } = await verdictsOf(http)
    expect(asked).toMatch(/^REPORT SPAMC\/1\.5\r\nContent-length: \d+\r\n\r\n[^]*Subject: Judge me/)
    expect(said).toEqual([
      'error SpamAssassin: the score is 1000; from 5, a message is spam',
      'info SpamAssassin: NO_RECEIVED (-0.1): Informational: message has no Received headers',
      'warning SpamAssassin: GTUBE (1000): BODY: Generic Test for Unsolicited Bulk Email',
    ])
    expect(mailpit).toMatchObject({ IsSpam: true, Error: '', Score: 1000 })
    expect(mailpit.Rules.at(-1)).toEqual({
      Score: 0,
      Name: 'MSGID_SHORT',
      Description: 'Message-ID is unusually short',
    })
    expect((await http.request('/mailpit/api/v1/webui')).body.SpamAssassin).toBe(true)
    answer = 'SPAMD/1.0 76 Bad header line: x\r\n'
    const failed = await verdictsOf(http)
    answer = SPAMD
    expect(failed.said).toEqual([
      expect.stringMatching(/^error mail.spamFilter: the spam filter at .*Bad header line: x$/),
    ])
    expect(failed.mailpit).toMatchObject({
      IsSpam: false,
      Error: expect.stringContaining('Bad header line'),
      Rules: [],
    })
  })

  it('is rspamd by its HTTP API', async () => {
    await using http = await labWith(`http://127.0.0.1:${portOf(rspamd)}`)
    const { said, mailpit } = await verdictsOf(http)
    expect(asked).toMatch(/^POST \/checkv2 [^]*Subject: Judge me/)
    expect(said).toEqual([
      'info rspamd: the score is 1; from 6, a message is spam',
      'warning rspamd: DATE_IN_PAST (1): Message date is in the past',
    ])
    expect(mailpit).toMatchObject({ IsSpam: false, Score: 1 })
  })

  it('keeps nobody from other large messages while it thinks', async () => {
    const slow = createServer().listen(0, '127.0.0.1')
    await once(slow, 'listening')
    await using http = await labWith(`spamd://127.0.0.1:${portOf(slow)}`)
    const text = `${'x'.repeat(70)}\n`.repeat(20_000)
    for (const subject of ['A', 'B']) await http.lab.deliver({ to: 'alice@lab.test', subject, text }, { to: 'alice' })
    const [b, a] = (await http.request('messages')).body.items
    const asking = once(slow, 'connection')
    const judged = http.request(`messages/${a.id}/checks?check=spam`)
    const [socket] = await asking
    const read = http.request(`messages/${b.id}`)
    expect(await Promise.race([read.then(({ status }) => status), judged.then(() => 'judged first')])).toBe(200)
    socket.destroy()
    slow.close()
    expect((await judged).body.items).toMatchObject([{ level: 'error', source: 'mail.spamFilter' }])
  })

  it('does not answer', async () => {
    // Nothing listens there.
    await using http = await labWith('spamd://127.0.0.1:1')
    const { said, mailpit } = await verdictsOf(http)
    expect(said).toEqual([
      expect.stringMatching(/^error mail.spamFilter: the spam filter at 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
    ])
    expect(mailpit.Error).toMatch(/ECONNREFUSED/)
  })
})
