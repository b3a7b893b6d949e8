import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MailLab } from '../../support/mail-lab.ts'
import { queueEvent, send, startOutgoingLab } from '../outgoing/support.ts'
import { sendFrom } from './smtp-client.ts'

const RECORDS = {
  'example.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
  '_dmarc.example.test': { txt: ['v=DMARC1; p=reject'] },
}

/** A lab that forwards mail for other domains to a port. */
const forwarder = (port: number, domain: string): Promise<MailLab> =>
  startOutgoingLab([{ name: 'Out', smartHost: { host: '127.0.0.1', port }, when: 'automatic' }], {
    config: {
      domain,
      hostname: `mx.${domain}`,
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      mail: {
        authentication: {
          check: 'on-arrival',
          records: RECORDS,
          dkim: [
            { domain, algorithm: 'ed25519' },
            { domain, selector: 'rsa' },
          ],
          arc: { domain },
        },
      },
      virtualServers: [{ protocol: 'smtp', certificate: 'none', port: 0, xclient: { from: ['127.0.0.1'] } }],
    },
  })

let last: MailLab
let second: MailLab
let first: MailLab
/** The records with the keys of both labs. */
let keys: Record<string, { txt: string[] }>

beforeAll(async () => {
  last = await startOutgoingLab([], {
    config: { domain: 'last.test', hostname: 'mx.last.test', directory: { mode: 'open' } },
  })
  second = await forwarder(last.port, 'second.test')
  first = await forwarder(second.port, 'first.test')
  const records = [first, second].map(({ lab }) => lab.mailAuthentication.keyRecords())
  keys = Object.fromEntries((await Promise.all(records)).flat().map(({ name, text }) => [name, { txt: [text] }]))
  for (const { lab } of [first, second, last]) {
    const { mail } = lab.config
    const authentication = { ...mail.authentication, records: { ...RECORDS, ...keys } }
    await lab.reload({ ...lab.config, mail: { ...mail, authentication } })
  }
})
afterAll(async () => {
  for (const one of [first, second, last]) await one?.[Symbol.asyncDispose]()
})

/** Returns the results that the last lab has of its latest message. */
async function atTheEnd() {
  const found = (await last.inbox('bob')).at(-1)
  const { client, mailFrom = '' } = found?.entry.envelope ?? {}
  const raw = Buffer.from(found?.raw ?? '', 'latin1')
  const authentication = await last.lab.mailAuthentication.check([raw], { client, mailFrom })
  return { raw: raw.toString('latin1'), authentication }
}

test('mail of the lab is signed with each key of its domain', async () => {
  const sent = queueEvent(first, 'sent')
  const relayed = queueEvent(second, 'sent')
  const raw = 'From: alice@first.test\r\nTo: bob@last.test\r\nSubject: d\xe9j\xe0 \xa0 vu\r\n\r\nbody\r\n'
  expect(await send(first, { from: 'alice@first.test', to: ['bob@last.test'], raw, logOn: true })).toMatch(/^250 /)
  await Promise.all([sent, relayed])
  const { authentication } = await atTheEnd()
  expect(authentication).toMatchObject({
    dkim: [
      { result: 'pass', domain: 'first.test', algorithm: 'ed25519-sha256', aligned: true },
      { result: 'pass', domain: 'first.test', algorithm: 'rsa-sha256', keyBits: 2048, aligned: true },
    ],
    // The second lab has sealed it, as mail of another domain.
    arc: { result: 'pass', instance: 1, domain: 'second.test' },
  })
})

/** Sends a message that both labs seal. Returns it as it arrives. */
async function sealedTwice() {
  await last.lab.reset()
  const relayed = queueEvent(second, 'sent')
  const message = 'From: carol@example.test\r\nTo: bob@last.test\r\nSubject: Hi\r\n\r\nHello'
  const reply = await sendFrom({
    port: first.port,
    address: '192.0.2.7',
    from: 'carol@example.test',
    to: 'bob@last.test',
    message,
  })
  expect(reply).toMatch(/^250 /)
  await relayed
  return atTheEnd()
}

test('mail of other domains is sealed by each lab that forwards it', async () => {
  const { raw, authentication } = await sealedTwice()
  expect(authentication).toMatchObject({ dkim: [], arc: { result: 'pass', instance: 2, domain: 'second.test' } })
  expect(raw.match(/^ARC-Seal: .*cv=\w+/gm)).toEqual([
    expect.stringMatching(/cv=pass$/),
    expect.stringMatching(/cv=none$/),
  ])
  expect(raw).toMatch(/^ARC-Authentication-Results: i=1; mx\.first\.test;\r\n\tspf=pass /m)
})

test.each([
  ['the body', (raw: string) => raw.replace('\r\nHello', '\r\nHullo'), 'the body has changed'],
  ['a seal', (raw: string) => raw.replace(/cv=none/, 'cv=pass'), /cv/],
  ['an earlier set', (raw: string) => raw.replace('i=1; mx.first.test', 'i=1; mx.other.test'), /seal/],
])('a chain fails if %s was changed', async (_, change, reason) => {
  const { raw } = await sealedTwice()
  const results = await last.lab.mailAuthentication.check([Buffer.from(change(raw), 'latin1')], { mailFrom: '' })
  expect(results?.arc).toMatchObject({ result: 'fail', reason: expect.stringMatching(reason) })
})
