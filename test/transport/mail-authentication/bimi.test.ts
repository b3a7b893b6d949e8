import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { parsePart } from '../../../src/core/config/issues.ts'
import { mailAuthentication } from '../../../src/core/config/schema/mail-authentication.ts'
import { certificatePem } from '../../../src/tls/pki/certificate/certificate.ts'
import { createRequest } from '../../../src/tls/pki/certificate/request.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { TestClock } from '../../support/test-clock.ts'
import { sendFrom } from './smtp-client.ts'

const svg = (inside: string, root = 'version="1.2" baseProfile="tiny-ps" viewBox="0 0 10 10"'): string =>
  `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" ${root}><title>Shop</title>${inside}</svg>`
const LOGO = svg('<circle cx="5" cy="5" r="4" fill="#c00"/>')

const RECORDS = {
  'shop.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
  'news.shop.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
  '_dmarc.shop.test': { txt: ['v=DMARC1; p=reject'] },
  'lax.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
  '_dmarc.lax.test': { txt: ['v=DMARC1; p=reject; sp=none'] },
  'logo.shop.test': { a: ['127.0.0.1'] },
  'far.shop.test': { a: ['192.0.2.80'] },
}

/** The answers of the web server, by path. */
const files = new Map<string, string | Buffer>()
const asked: string[] = []
const clock = new TestClock()
clock.ms = Date.now()
let lab: MailLab
let web: Server
let base: string

beforeAll(async () => {
  lab = await startMailLab(smtp, { clock, config: configuration({}) })
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const names = [{ type: 'dns', value: 'logo.shop.test' }] as const
  const request = createRequest({ subject: [{ type: 'CN', value: 'logo.shop.test' }], key, names })
  const chain = await lab.lab.authorities.sign(Buffer.from(request))
  web = createServer(
    { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: chain.map(certificatePem).join('') },
    ({ url = '' }, response) => {
      asked.push(url)
      const found = files.get(url)
      if (found === undefined) response.writeHead(url === '/moved.svg' ? 302 : 404, { Location: '/logo.svg' }).end()
      else response.end(found)
    },
  )
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  base = `https://logo.shop.test:${(web.address() as AddressInfo).port}`
})
afterAll(async () => {
  web.close()
  await lab.lab[Symbol.asyncDispose]()
})
beforeEach(() => {
  asked.length = 0
  files.clear()
  files.set('/logo.svg', LOGO)
})

const configuration = (bimi: object, records: object = {}) => ({
  hostname: 'mx.lab.test',
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  news: { groups: [] },
  mail: {
    authentication: {
      check: 'on-arrival' as const,
      addResults: true,
      bimi,
      records: { ...RECORDS, ...records },
      dkim: [{ domain: 'shop.test', algorithm: 'ed25519' as const }],
    },
  },
  virtualServers: [
    { protocol: 'smtp' as const, certificate: 'none' as const, port: 0, xclient: { from: ['127.0.0.1'] } },
  ],
})

interface Sent {
  /** BIMI records by the name before their domain, such as `default`. */
  readonly records?: Readonly<Record<string, string>>
  readonly from?: string
  readonly fields?: string
  readonly bimi?: object
  /** Signs the message by DKIM. */
  readonly signed?: boolean
}

/** Sends a message of a domain with BIMI records, and returns the result and the message. */
async function sent({ records = {}, from = 'news@shop.test', fields = '', bimi = {}, signed = false }: Sent) {
  const more = Object.entries(records).map(([place, text]) => {
    const [selector, domain = 'shop.test'] = place.split('@')
    return [`${selector}._bimi.${domain}`, { txt: [text] }]
  })
  const { config } = lab.lab
  const authentication = parsePart(
    mailAuthentication,
    configuration(bimi, Object.fromEntries(more)).mail.authentication,
  )
  await lab.lab.reload({ ...config, mail: { ...config.mail, authentication } })
  await lab.lab.reset()
  const message = `${fields}From: ${from}\r\nTo: alice@lab.test\r\nSubject: Hi\r\n\r\nHello`
  const signature = signed ? await lab.lab.mailAuthentication.signOutgoing([Buffer.from(`${message}\r\n`)]) : ''
  const reply = await sendFrom({
    port: lab.port,
    address: '192.0.2.7',
    from: from.replace(/,.*/, ''),
    message: `${signature}${message}`,
  })
  expect(reply).toMatch(/^250 /)
  const [found] = await lab.inbox('alice')
  return { raw: found?.raw ?? '', bimi: found?.entry.envelope?.authentication?.bimi }
}

const mark = async (options: object = {}): Promise<string> => {
  const wanted = { domains: ['shop.test'], logo: Buffer.from(LOGO), ...options }
  return (await lab.lab.authorities.issueMark(wanted)).map(certificatePem).join('')
}

test('a logo with a verified mark certificate passes, and is in the message', async () => {
  files.set('/mark.pem', await mark())
  const location = `${base}/logo.svg`
  const authority = `${base}/mark.pem`
  const { bimi, raw } = await sent({
    records: { default: `v=BIMI1; l=${location}; a=${authority}; avp=personal` },
    fields:
      'BIMI-Location: v=BIMI1; l=https://evil.test/\r\nBIMI-Indicator: AAAA\r\nBIMI-Logo-Preference: avp=brand;\r\n',
  })
  expect(bimi).toEqual({
    result: 'pass',
    domain: 'shop.test',
    selector: 'default',
    location,
    authority,
    preference: 'personal',
    evidence: 'pass',
    markType: 'Registered Mark',
    indicator: Buffer.from(LOGO).toString('base64'),
    indicatorHash: expect.stringMatching(/^[\da-f]{64}$/),
  })
  const unfolded = raw.replace(/\r\n[ \t]/g, ' ')
  expect(unfolded).toMatch(
    /bimi=pass header\.d=shop\.test header\.selector=default policy\.authority=pass policy\.authority-uri="https:\S+" policy\.indicator-uri="https:\S+" policy\.indicator-hash=[\da-f]{8} policy\.logo-preference=personal\r\n/,
  )
  expect(unfolded.match(/^BIMI-Location:.*$/gim)).toEqual([`BIMI-Location: v=BIMI1; a=${authority}`])
  expect(unfolded.match(/^BIMI-Logo-Preference:.*$/gim)).toEqual(['BIMI-Logo-Preference: avp=personal;'])
  const indicators = unfolded.match(/^BIMI-Indicator:.*$/gim) ?? []
  expect(indicators).toHaveLength(1)
  expect(Buffer.from(indicators[0]?.slice(15) ?? '', 'base64').toString()).toBe(LOGO)
  expect(Math.max(...raw.split('\r\n').map(({ length }) => length))).toBeLessThan(999)
})

test.each([
  ['as it is', () => LOGO],
  ['compressed', () => gzipSync(LOGO)],
])('a logo without a certificate passes, %s, unless one is required', async (_, octets) => {
  files.set('/logo.svg', octets())
  const records = { default: `v=BIMI1; l=${base}/logo.svg` }
  const { bimi, raw } = await sent({ records })
  expect(bimi).toMatchObject({ result: 'pass', evidence: 'none' })
  expect(raw).toContain(`BIMI-Location: v=BIMI1;\r\n\tl=${base}/logo.svg\r\n`)
  asked.length = 0
  const required = await sent({ records, bimi: { evidence: 'required' } })
  expect(required.bimi).toMatchObject({ result: 'fail', reason: 'the record names no mark certificate in a=' })
  expect(required.raw).not.toContain('BIMI-Location')
  expect(asked).toEqual([])
})

test.each([
  ['v=BIMI1; l=; a=;', 'declined', undefined],
  ['v=BIMI1; l=BASE/logo.svg; l=BASE/logo.svg', 'fail', 'the record is not a list of tags'],
  ['v=BIMI1; a=', 'fail', 'the record has no l='],
  ['v=BIMI1; l=http://logo.shop.test/a.svg', 'fail', 'l= of the record is not an https URL'],
  [`v=BIMI1; l=https://logo.shop.test/${'a'.repeat(900)}`, 'fail', 'l= of the record is not an https URL'],
  ['v=bimi1; l=BASE/logo.svg', 'none', undefined],
  ['l=BASE/logo.svg; v=BIMI1', 'none', undefined],
  ['v=BIMI1; l=BASE/missing.svg', 'fail', 'BASE/missing.svg cannot be fetched: HTTP status 404'],
  ['v=BIMI1; l=BASE/moved.svg', 'fail', 'BASE/moved.svg cannot be fetched: HTTP status 302'],
  ['v=BIMI1; l=https://nowhere.test/a.svg', 'fail', 'nowhere.test has no address in the records of the lab'],
  ['v=BIMI1; l=https://far.shop.test/a.svg', 'fail', expect.stringContaining('not to far.shop.test')],
  ['v=BIMI1; l=https://192.0.2.80/a.svg', 'fail', expect.stringContaining('not to 192.0.2.80')],
  ['v=BIMI1; l=https://169.254.169.254/latest', 'fail', expect.stringContaining('not to 169.254.169.254')],
])('the record %.60s: %s', async (record, result, reason) => {
  const { bimi } = await sent({ records: { default: record.replaceAll('BASE', base) } })
  const text = typeof reason === 'string' ? reason.replaceAll('BASE', base) : reason
  expect([bimi?.result, bimi?.reason]).toEqual([result, text])
})

test.each([
  ['<rect/>', undefined, 'pass'],
  ['<metadata><rdf:RDF xmlns:rdf="x"><rdf:li/></rdf:RDF></metadata>', undefined, 'pass'],
  ['<use href="#a"/><g fill="url(#b)"/>', undefined, 'pass'],
  ['<script>alert(1)</script>', undefined, 'the logo has a script (script)'],
  ['<metadata><script/></metadata>', undefined, 'the logo has a script (script)'],
  ['<rect onload="alert(1)"/>', undefined, 'the logo has a script (onload)'],
  ['<image href="#a"/>', undefined, 'the logo has an image or another medium (image)'],
  ['<animate/>', undefined, 'the logo has an animation (animate)'],
  ['<a href="#a"/>', undefined, 'the logo has a link (a)'],
  ['<use xlink:href="https://evil.test/"/>', undefined, 'the logo has an external reference (xlink:href)'],
  ['<g fill="url(&#104;ttps://evil.test/)"/>', undefined, 'the logo has an external reference (fill)'],
  ['<clipPath/>', undefined, 'the logo has the element clipPath, which SVG Tiny PS does not have'],
  ['<rect', undefined, expect.stringContaining('the logo is not XML')],
  ['', 'version="1.2" baseProfile="tiny"', 'the logo lacks baseProfile="tiny-ps"'],
  ['', 'version="1.1" baseProfile="tiny-ps"', 'the logo lacks version="1.2"'],
  ['', 'version="1.2" baseProfile="tiny-ps" x="0"', 'the logo has the attribute x in svg'],
  ['', 'version="1.2" baseProfile="tiny-ps" viewBox="0 0 20 10"', 'the logo is not square'],
])('a logo with %.80s in <svg %s>: %s', async (inside, root, reason) => {
  files.set('/logo.svg', svg(inside, root))
  const { bimi } = await sent({ records: { default: `v=BIMI1; l=${base}/logo.svg` } })
  const isGood = reason === 'pass' || reason === 'the logo is not square'
  expect([bimi?.result, bimi?.reason]).toEqual([isGood ? 'pass' : 'fail', reason === 'pass' ? undefined : reason])
})

test.each([
  ['<!DOCTYPE svg [<!ENTITY a "b">]>', 'the logo has a DTD'],
  ['<?xml-stylesheet href="https://evil.test/"?>', 'the logo has a processing instruction'],
])('a logo that begins with %s fails', async (start, reason) => {
  files.set('/logo.svg', `${start}${LOGO.slice(LOGO.indexOf('<svg'))}`)
  const { bimi } = await sent({ records: { default: `v=BIMI1; l=${base}/logo.svg` } })
  expect(bimi).toMatchObject({ result: 'fail', reason })
})

test('a logo of more than 32 KiB is not read', async () => {
  files.set('/logo.svg', svg(`<desc>${'x'.repeat(32 * 1024)}</desc>`))
  const { bimi } = await sent({ records: { default: `v=BIMI1; l=${base}/logo.svg` } })
  expect(bimi).toMatchObject({ result: 'fail', reason: expect.stringContaining('longer than 32 KiB') })
})

test('a compressed logo that grows is not read', async () => {
  files.set('/logo.svg', gzipSync(' '.repeat(10_000_000)))
  const { bimi } = await sent({ records: { default: `v=BIMI1; l=${base}/logo.svg` } })
  expect(bimi).toMatchObject({ result: 'fail', reason: expect.stringMatching(/^the logo cannot be decompressed: /) })
})

/** Sends a message whose record names a mark certificate. */
const withMark = async (pem: string | Buffer, more: Partial<Sent> = {}) => {
  files.set('/mark.pem', pem)
  return (await sent({ records: { default: `v=BIMI1; l=${base}/logo.svg; a=${base}/mark.pem` }, ...more })).bimi
}

test('a mark certificate for something else fails', async () => {
  const why = (text: string): string => `the mark certificate cannot be used: ${text}`
  const fails = { result: 'fail', evidence: 'fail' }
  expect(await withMark(await mark({ domains: ['other.test'] }))).toMatchObject({
    ...fails,
    reason: why('it is for other.test, not for shop.test'),
  })
  expect(await withMark('no certificate')).toMatchObject({
    ...fails,
    reason: why('the document has no certificate in PEM'),
  })
  const request = createRequest({
    subject: [{ type: 'CN', value: 'shop.test' }],
    key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    names: [{ type: 'dns', value: 'shop.test' }],
  })
  const server = (await lab.lab.authorities.sign(Buffer.from(request))).map(certificatePem).join('')
  expect(await withMark(server)).toMatchObject({ ...fails, reason: why('its purpose is not brand indicators alone') })
  const other = await mark({ logo: Buffer.from(svg('<rect/>')) })
  expect(await withMark(other)).toMatchObject({
    result: 'fail',
    evidence: 'pass',
    reason: 'the logo is not the one in the mark certificate',
  })
  const selector = await mark({ domains: ['default._bimi.shop.test'] })
  expect(await withMark(selector)).toMatchObject({ result: 'pass' })
  expect(await withMark(await mark({ type: 'common' }))).toMatchObject({ markType: 'Prior Use Mark' })
})

test('a mark certificate that is revoked, expired or of another authority fails', async () => {
  const [leaf, ...issuers] = await lab.lab.authorities.issueMark({
    domains: ['shop.test'],
    logo: Buffer.from(LOGO),
  })
  const pem = [leaf, ...issuers].map(certificatePem).join('')
  expect(await withMark(pem)).toMatchObject({ result: 'pass' })
  // The issuers need not be sent: the lab knows its root.
  expect(await withMark(certificatePem(leaf))).toMatchObject({ result: 'pass' })
  await lab.lab.authorities.createRoot({ name: 'Elsewhere' })
  expect(await withMark(pem, { bimi: { authority: 'Elsewhere' } })).toMatchObject({
    result: 'fail',
    reason: expect.stringContaining('which is not a root that this lab trusts'),
  })
  const elsewhere = await mark({ authority: 'Elsewhere' })
  expect(await withMark(elsewhere, { bimi: { authority: 'Elsewhere' } })).toMatchObject({ result: 'pass' })
  expect(await withMark(pem, { bimi: { authority: 'Missing' } })).toMatchObject({ result: 'temperror' })
  await lab.lab.authorities.revoke(leaf.serialNumber, 'keyCompromise')
  expect(await withMark(pem)).toMatchObject({
    reason: 'the mark certificate cannot be used: it is revoked (keyCompromise)',
  })
  const short = await mark({ days: 1 })
  clock.ms += 2 * 86_400_000
  expect(await withMark(short)).toMatchObject({ reason: expect.stringContaining('shop.test expired on ') })
})

test('a selector counts if a signature that DMARC relies on covers it', async () => {
  const records = { default: `v=BIMI1; l=${base}/logo.svg`, brand: `v=BIMI1; l=${base}/brand.svg` }
  files.set('/brand.svg', LOGO)
  const selectorOf = async (fields: string, signed: boolean): Promise<string | undefined> =>
    (await sent({ records, fields, signed })).bimi?.selector
  expect(await selectorOf('BIMI-Selector: v=BIMI1; s=brand\r\n', true)).toBe('brand')
  expect(await selectorOf('BIMI-Selector: v=BIMI1; s=brand\r\n', false)).toBe('default')
  expect(await selectorOf('BIMI-Selector: s=brand\r\n', true)).toBe('default')
})

test('the record of the organization counts for a subdomain without one, with the same selector', async () => {
  const records = { default: `v=BIMI1; l=${base}/logo.svg`, brand: `v=BIMI1; l=${base}/logo.svg` }
  const from = 'a@news.shop.test'
  expect((await sent({ records, from })).bimi).toMatchObject({ domain: 'shop.test', selector: 'default' })
  const declined = { ...records, 'default@news.shop.test': 'v=BIMI1; l=; a=' }
  expect((await sent({ records: declined, from })).bimi).toMatchObject({ result: 'declined' })
})

test('the local part of the author chooses a selector by lps', async () => {
  const records = (lps: string) => ({
    default: `v=BIMI1; l=${base}/logo.svg; ${lps}`,
    'big-sale': `v=BIMI1; l=${base}/sale.svg`,
  })
  files.set('/sale.svg', LOGO)
  const selector = async (lps: string, from = 'Big.Sale+x@shop.test') =>
    (await sent({ records: records(lps), from })).bimi?.selector
  expect(await selector('lps=')).toBe('big-sale')
  expect(await selector('lps=small, big-')).toBe('big-sale')
  expect(await selector('lps=small')).toBe('default')
  expect(await selector('avp=brand')).toBe('default')
  expect(await selector('lps=', 'other@shop.test')).toBe('default')
})

test('mail is skipped that DMARC does not protect, and nothing is fetched', async () => {
  const records = { default: `v=BIMI1; l=${base}/logo.svg`, 'default@lax.test': `v=BIMI1; l=${base}/logo.svg` }
  const skipped = async (from: string) => (await sent({ records, from })).bimi
  expect(await skipped('a@lax.test')).toEqual({ result: 'skipped', reason: 'too lax DMARC policy' })
  expect(await skipped('a@unknown.test')).toEqual({ result: 'skipped', reason: 'the domain has no DMARC record' })
  expect(await skipped('a@shop.test, b@shop.test')).toEqual({
    result: 'skipped',
    reason: 'the message has several authors',
  })
  expect(asked).toEqual([])
})
