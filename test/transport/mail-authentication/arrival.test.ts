import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { authenticationOf } from '../../../src/api/messages/authentication.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { sendFrom } from './smtp-client.ts'

const RECORDS = {
  'example.test': { txt: ['v=spf1 ip4:192.0.2.7 include:spf.example.test -all'] },
  'spf.example.test': { txt: ['v=spf1 ip6:2001:db8::7 a:mx.example.test ~all'] },
  'mx.example.test': { a: ['192.0.2.8'] },
  '_dmarc.example.test': { txt: ['v=DMARC1; p=reject; sp=quarantine; adkim=s'] },
  'default._bimi.example.test': { txt: ['v=BIMI1; l=https://example.test/logo.svg; a='] },
  'soft.test': { txt: ['v=spf1 ~all'] },
  'loose.test': { txt: ['v=spf1 -all'] },
  'broken.test': { txt: ['v=spf1 nonsense -all'] },
  '_dmarc.broken.test': { txt: ['v=DMARC1; p=nothing'] },
  '_dmarc.lower.test': { txt: ['v=dmarc1; p=reject'] },
  '_dmarc.some.test': { txt: ['v=DMARC1; p=reject; t=y'] },
}

const config = (more: object): LabInput => ({
  hostname: 'mx.lab.test',
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  news: { groups: [] },
  mail: {
    authentication: {
      records: RECORDS,
      dkim: [{ domain: 'example.test', selector: 'one', algorithm: 'ed25519' }],
      ...more,
    },
  },
  virtualServers: [{ protocol: 'smtp', certificate: 'none', port: 0, xclient: { from: ['127.0.0.1'] } }],
})

const lab = await startMailLab(smtp, { config: config({ check: 'on-arrival', addResults: true }) })
afterAll(() => lab.lab[Symbol.asyncDispose]())
beforeEach(() => lab.lab.reset())

const mail = (from: string, more = ''): string =>
  `${more}From: <${from}>\r\nTo: alice@lab.test\r\nSubject: Hi\r\n\r\nHello`

/** Sends a message, and returns it as it was stored, with its results. */
async function received(address: string, from: string, message: string, helo?: string) {
  const reply = await sendFrom({ port: lab.port, address, from, message, ...(helo ? { helo } : {}) })
  expect(reply).toMatch(/^250 /)
  const [found] = await lab.inbox('alice')
  const authentication = found?.entry.envelope?.authentication
  expect(authentication).toBeDefined()
  return { raw: found?.raw ?? '', ...(authentication as NonNullable<typeof authentication>) }
}

test.each([
  ['192.0.2.7', 'a@example.test', 'pass'],
  ['::ffff:192.0.2.7', 'a@example.test', 'pass'],
  ['2001:db8::7', 'a@example.test', 'pass'],
  ['192.0.2.8', 'a@example.test', 'pass'],
  ['192.0.2.9', 'a@example.test', 'fail'],
  ['192.0.2.9', 'a@soft.test', 'softfail'],
  ['192.0.2.9', 'a@broken.test', 'permerror'],
  ['192.0.2.9', 'a@unknown.test', 'none'],
])('SPF of a client at %s with MAIL FROM %s: %s', async (address, from, result) => {
  const { spf } = await received(address, from, mail(from))
  expect(spf).toMatchObject({ result, identity: 'mailfrom', domain: from.split('@')[1] })
})

test('SPF of the null reverse-path is that of HELO', async () => {
  const { spf } = await received('192.0.2.7', '', mail('a@example.test'), 'example.test')
  expect(spf).toMatchObject({ result: 'pass', identity: 'helo', domain: 'example.test', helo: 'example.test' })
})

test('DMARC passes by SPF, and the results are in the message', async () => {
  const { raw, dmarc, bimi } = await received('192.0.2.7', 'a@example.test', mail('b@example.test'))
  expect(dmarc).toMatchObject({
    result: 'pass',
    policy: 'reject',
    disposition: 'none',
    spfAligned: true,
    dkimAligned: false,
  })
  expect(bimi).toMatchObject({ result: 'pass', location: 'https://example.test/logo.svg' })
  const lines = raw.split('\r\n')
  expect(lines.slice(0, 6)).toEqual([
    'Return-Path: <a@example.test>',
    'Authentication-Results: mx.lab.test;',
    expect.stringMatching(/^\tspf=pass \(.*\) smtp\.mailfrom=a@example\.test;$/),
    '\tdkim=none;',
    '\tdmarc=pass (p=reject dis=none) header.from=example.test;',
    '\tbimi=pass header.d=example.test header.selector=default',
  ])
  expect(raw).toMatch(
    /\r\nReceived-SPF: pass \(.*\)\r\n\tclient-ip=192\.0\.2\.7;\r\n\tenvelope-from="a@example\.test";\r\n\thelo=mail\.example\.test;/,
  )
  expect(lines.findIndex((line) => line.startsWith('Received:'))).toBeGreaterThan(6)
})

test('DMARC passes by DKIM alone, if the alignment is strict only from the same domain', async () => {
  const signed = async (from: string): Promise<string> => {
    const field = await lab.lab.mailAuthentication.signOutgoing([Buffer.from(`${mail(from)}\r\n`)])
    return `${field}${mail(from)}`
  }
  const same = await received('192.0.2.99', 'a@other.test', await signed('b@example.test'))
  expect(same).toMatchObject({
    dkim: [{ result: 'pass', domain: 'example.test', selector: 'one', algorithm: 'ed25519-sha256', aligned: true }],
    dmarc: { result: 'pass', spfAligned: false, dkimAligned: true },
  })
  await lab.lab.reset()
  const parent = await received('192.0.2.99', 'a@other.test', await signed('b@news.example.test'))
  expect(parent).toMatchObject({
    dkim: [{ result: 'pass', domain: 'example.test', aligned: false }],
    dmarc: { result: 'fail', dkimAligned: false },
  })
})

test('DMARC of a subdomain uses sp', async () => {
  const { dmarc } = await received('192.0.2.99', 'a@other.test', mail('b@news.example.test'))
  expect(dmarc).toMatchObject({
    result: 'fail',
    policy: 'quarantine',
    disposition: 'quarantine',
    domain: 'news.example.test',
  })
})

test('a policy in test mode asks for the next milder one', async () => {
  const { dmarc } = await received('192.0.2.99', 'a@other.test', mail('b@some.test'))
  expect(dmarc).toMatchObject({ result: 'fail', policy: 'reject', disposition: 'quarantine', percent: 0 })
})

test.each([
  ['b@unknown.test', 'none'],
  ['b@lower.test', 'none'],
  ['b@broken.test', 'permerror'],
  ['b@example.test, c@unknown.test', 'permerror'],
])('DMARC of From %s: %s', async (from, result) => {
  const message = `From: ${from}\r\n\r\nHello`
  expect((await received('192.0.2.99', 'a@other.test', message)).dmarc.result).toBe(result)
})

test('results that claim to come from this lab are removed, others stay', async () => {
  const forged = [
    'Authentication-Results: mx.lab.test; dmarc=pass',
    'AUTHENTICATION-results : (comment)\r\n "MX.lab.test" 1; spf=pass',
    'Authentication-Results: mx.lab.test.; dkim=pass',
  ]
  const other = 'Authentication-Results: mx.other.test; dmarc=pass'
  const { raw } = await received(
    '192.0.2.7',
    'a@example.test',
    mail('b@example.test', `${[...forged, other].join('\r\n')}\r\n`),
  )
  expect(raw.match(/^authentication-results[ \t]*:/gim)).toHaveLength(2)
  expect(raw).toContain(`${other}\r\nFrom:`)
})

test('a message with a header made to take long is accepted, and not checked', async () => {
  const { dmarc } = await received(
    '192.0.2.7',
    'a@example.test',
    mail('b@example.test', `X-Long: ${'a\r\n '.repeat(30_000)}\r\n`),
  )
  expect(dmarc).toMatchObject({ result: 'permerror', reason: expect.stringContaining('65536 octets') })
})

test('an error in a check is a temporary one of the message', async () => {
  const check = vi.spyOn(lab.lab.mailAuthentication, 'check').mockRejectedValueOnce(new SyntaxError('unexpected'))
  const { raw, ...results } = await received('192.0.2.7', 'a@example.test', mail('b@example.test'))
  check.mockRestore()
  const verdict = { result: 'temperror', reason: 'internal error' }
  expect(results).toMatchObject({ spf: { ...verdict, domain: 'example.test' }, dkim: [], dmarc: verdict })
  expect(raw).toMatch(/^\tspf=temperror \(internal error\) smtp\.mailfrom=a@example\.test;\r$/m)
  expect(raw).not.toContain('unexpected')
})

test('an error in a check that the API asks for is a temporary one', async () => {
  const error = new SyntaxError('unexpected')
  const services = { mailAuthentication: { check: () => Promise.reject(error) }, logError: vi.fn() }
  const message = { folder: { id: 1 }, entry: { uid: 1, envelope: { mailFrom: 'a@example.test' } } }
  expect(await authenticationOf({ lab: services } as never, message as never)).toMatchObject({
    spf: { result: 'temperror', domain: 'example.test' },
    dmarc: { result: 'temperror', reason: 'internal error' },
  })
  expect(services.logError).toHaveBeenCalledWith(error, 'the sender of a message could not be authenticated')
})

test('the lab refuses what DMARC and SPF ask to refuse, if configured', async () => {
  const before = lab.lab.config
  onTestFinished(async () => void (await lab.lab.reload(before)))
  await lab.lab.reload({
    ...before,
    mail: { ...before.mail, authentication: { ...before.mail.authentication, onFailure: 'refuse' } },
  })
  const reply = (address: string, from: string, author: string): Promise<string> =>
    sendFrom({ port: lab.port, address, from, message: mail(author) })
  expect(await reply('192.0.2.99', 'a@other.test', 'b@example.test')).toBe(
    '550 5.7.26 Unauthenticated mail from example.test is not accepted by its DMARC policy',
  )
  expect(await reply('192.0.2.99', 'a@loose.test', 'b@loose.test')).toBe(
    '550 5.7.23 SPF of loose.test does not permit 192.0.2.99',
  )
  expect(await reply('192.0.2.99', 'a@other.test', 'b@news.example.test')).toMatch(/^250 /) // quarantine
  expect(await reply('192.0.2.7', 'a@example.test', 'b@example.test')).toMatch(/^250 /)
  expect(await lab.inbox('alice')).toHaveLength(2)
})

test.each(['not an address', '<not an address>', 'alice', '<a@>', ''])(
  '“From: %s” has no author domain',
  async (from) => {
    const { dmarc } = await received('192.0.2.7', 'a@example.test', `From: ${from}\r\nSubject: Hi\r\n\r\nHello`)
    expect(dmarc).toMatchObject({ result: 'permerror', reason: 'the message has no author domain', domain: '' })
  },
)
