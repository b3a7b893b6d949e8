import { expect, it } from 'vitest'
import type { DmarcReportDefect } from '../../../src/core/config/schema/mail-authentication.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { HttpLab } from '../../servers/http/client.ts'
import { sendFrom } from '../mail-authentication/smtp-client.ts'

const RECORDS = {
  'lab.test': { txt: ['v=spf1 -all'] },
  '_dmarc.lab.test': { txt: ['v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@lab.test; ruf=mailto:ruf@lab.test; fo=1'] },
  'agreed.test': { txt: ['v=spf1 ip4:192.0.2.7 -all'] },
  '_dmarc.agreed.test': { txt: ['v=DMARC1; p=quarantine; rua=mailto:dmarc@lab.test!10m'] },
  'agreed.test._report._dmarc.lab.test': { txt: ['v=DMARC1'] },
  '_dmarc.stranger.test': { txt: ['v=DMARC1; p=none; rua=mailto:dmarc@lab.test,https://lab.test/r'] },
  '_dmarc.moved.test': { txt: ['v=DMARC1; p=none; rua=mailto:dmarc@lab.test'] },
  'moved.test._report._dmarc.lab.test': { txt: ['v=DMARC1; rua=mailto:other@lab.test'] },
  '_dmarc.hijacked.test': { txt: ['v=DMARC1; p=none; rua=mailto:dmarc@lab.test'] },
  'hijacked.test._report._dmarc.lab.test': { txt: ['v=DMARC1; rua=mailto:victim@victim.test'] },
}

const configuration = (more: object = {}): LabInput => ({
  directory: { accounts: ['alice', 'dmarc', 'ruf', 'other'].map((user) => ({ user, password: 'secret' })) },
  mail: {
    authentication: {
      check: 'on-arrival',
      records: RECORDS,
      reports: { organization: 'Lab & Sons', schedule: 'on-demand' },
      ...more,
    },
  },
})

/** Starts a lab at noon, whose SMTP server takes addresses of clients by XCLIENT. */
async function start(more: object = {}): Promise<HttpLab> {
  const http = await HttpLab.start({
    ...configuration(more),
    virtualServers: [{ protocol: 'smtp', xclient: { from: ['127.0.0.1'] } }, { protocol: 'http' }],
  })
  await http.lab.clock.moveTo(new Date().setUTCHours(12, 0, 0, 0))
  await http.lab.clock.freeze()
  return http
}

/** Sends a message from an address, by a client at 192.0.2.7. */
async function sendAs({ lab }: HttpLab, from: string): Promise<string> {
  const message = `From: <${from}>\r\nTo: alice@lab.test\r\nSubject: order\r\n\r\nbody`
  return sendFrom({ port: lab.server('smtp').port, address: '192.0.2.7', from, message })
}

/** Returns the messages of an account as the API shows them, the latest first. */
async function messagesOf(http: HttpLab, account: string) {
  const { body } = await http.request(`messages?account=${account}`)
  const all = await Promise.all(body.items.map(({ id }: { id: string }) => http.request(`messages/${id}`)))
  return all.map((answer) => answer.body)
}

const send = async (http: HttpLab, json: object = {}) =>
  (await http.request('dmarc-reports/send', { json })).body.reports

it('counts judged messages, and reports about them once', async () => {
  await using http = await start()
  for (const from of ['app@agreed.test', 'app@agreed.test', 'app@shop.agreed.test']) await sendAs(http, from)
  const { body } = await http.request('dmarc-reports?domain=agreed.test')
  expect(body.items).toMatchObject([{ domain: 'agreed.test', rows: [{ count: 2 }, { count: 1 }] }])
  expect(await send(http)).toMatchObject([{ domain: 'agreed.test', to: 'mailto:dmarc@lab.test', problem: null }])
  expect(await send(http)).toEqual([])
  const [message] = await messagesOf(http, 'dmarc')
  const { startsAt } = message.dmarcReport
  expect(message.subject).toMatch(/^Report Domain: agreed\.test Submitter: lab\.test Report-ID: <[0-9a-f]+>$/)
  const seconds = Date.parse(startsAt) / 1000
  expect(message.attachments[0]).toMatchObject({
    contentType: 'application/gzip',
    filename: `lab.test!agreed.test!${seconds}!${seconds + 86_399}.xml.gz`,
  })
  const alike = { sourceIp: '192.0.2.7', dkim: 'fail', envelopeTo: 'lab.test', dkimResults: [] }
  expect(message.dmarcReport).toMatchObject({
    problem: null,
    organizationName: 'Lab & Sons',
    email: 'dmarc-reports@lab.test',
    policy: { domain: 'agreed.test', p: 'quarantine', sp: 'quarantine', adkim: 'r', discoveryMethod: 'treewalk' },
    rows: [
      { ...alike, count: 2, disposition: 'pass', spf: 'pass', headerFrom: 'agreed.test', reasons: [] },
      { ...alike, count: 1, disposition: 'none', spf: 'fail', reasons: [{ type: 'local_policy' }] },
    ],
  })
})

it('sends nothing to destinations elsewhere that have not agreed', async () => {
  await using http = await start()
  for (const domain of ['stranger', 'moved', 'hijacked']) await sendAs(http, `app@${domain}.test`)
  const sent = (await send(http)).map(({ domain, to, problem }: Record<string, string>) => [domain, to, problem])
  expect(sent.sort()).toEqual([
    [
      'hijacked.test',
      'mailto:victim@victim.test',
      'the record at hijacked.test._report._dmarc.lab.test names another host',
    ],
    ['moved.test', 'mailto:other@lab.test', null],
    ['stranger.test', 'https://lab.test/r', 'https://lab.test/r is not a mailto: URI with one address'],
    [
      'stranger.test',
      'mailto:dmarc@lab.test',
      'lab.test does not agree to reports about stranger.test: no record at stranger.test._report._dmarc.lab.test',
    ],
  ])
})

it('sends the reports about a day when the clock passes midnight', async () => {
  await using http = await start({ reports: {} })
  await sendAs(http, 'app@agreed.test')
  expect(await messagesOf(http, 'dmarc')).toEqual([])
  await http.request('clock', { method: 'PATCH', json: { advance: '1d' } })
  expect(await messagesOf(http, 'dmarc')).toMatchObject([{ dmarcReport: { problem: null, rows: [{ count: 1 }] } }])
})

it('counts refused mail as rejected', async () => {
  await using http = await start({ onFailure: 'refuse' })
  expect(await sendAs(http, 'app@lab.test')).toMatch(/^550 5\.7\.26 /)
  const { body } = await http.request('dmarc-reports')
  expect(body.items).toMatchObject([{ rows: [{ disposition: 'reject', reasons: [] }] }])
})

it.each<[DmarcReportDefect, string]>([
  ['wrong-counts', 'the DMARC report has the count -1'],
  ['foreign-namespace', 'the DMARC report has the namespace urn:example:not-dmarc'],
  ['wrong-version', 'the DMARC report has the version 9.9'],
  ['truncated-gzip', 'the DMARC report cannot be decompressed: unexpected end of file'],
  ['gzip-bomb', 'the DMARC report cannot be decompressed: Cannot create a Buffer larger than 4194304 bytes'],
  ['entity-bomb', 'the DMARC report has a DTD'],
])('the defect %s is a problem of the report', async (defect, problem) => {
  await using http = await start()
  await sendAs(http, 'app@agreed.test')
  expect(await send(http, { defect })).toMatchObject([{ problem: null }])
  expect(await messagesOf(http, 'dmarc')).toMatchObject([{ dmarcReport: { problem, rows: [] } }])
})

it.each([
  ['a name without an end', `<${'a'.repeat(3_000_000)}`],
  ['attributes without an end', `<feedback ${'a '.repeat(1_000_000)}`],
  ['a value without an end', `<feedback a="${'<b '.repeat(1_000_000)}`],
  ['comments without an end', '<!--'.repeat(1_000_000)],
])('%s is read in one pass', async (_, xml) => {
  expect(await reportIn(xml)).toMatchObject({ problem: 'the DMARC report is not XML at character 0', rows: [] })
})

it.each(['999999999999999', '-1'])('the time %s is a problem of the report', async (time) => {
  const range = `<date_range><begin>${time}</begin><end>${time}</end></date_range>`
  const metadata = `<report_metadata><org_name>A</org_name><email>a@b.test</email><report_id>1</report_id>${range}</report_metadata>`
  const xml = `<feedback>${metadata}<policy_published><domain>a.test</domain><p>none</p></policy_published></feedback>`
  expect(await reportIn(xml)).toMatchObject({ problem: `the DMARC report has the begin ${time}` })
})

/** Returns the report of a message with this file, as the API shows it. */
async function reportIn(content: string) {
  await using http = await start()
  const attachments = [{ filename: 'elsewhere.test!lab.test!1!2.xml', content }]
  await http.lab.deliver({ from: 'a@elsewhere.test', to: 'dmarc@lab.test', attachments }, 'dmarc')
  const [message] = await messagesOf(http, 'dmarc')
  return message.dmarcReport
}

it('a failure report has the results and the message, and no report is about a report', async () => {
  await using http = await start()
  await sendAs(http, 'app@lab.test')
  await expect.poll(() => messagesOf(http, 'ruf'), { timeout: 30_000 }).toHaveLength(1)
  const [message] = await messagesOf(http, 'ruf')
  const { type, fields } = message.feedbackReport
  const values = Object.fromEntries(fields.map(({ name, value }: Record<string, string>) => [name, value]))
  expect(type).toBe('auth-failure')
  expect(values).toMatchObject({
    'Auth-Failure': 'dmarc',
    'Identity-Alignment': 'dkim, spf',
    'Reported-Domain': 'lab.test',
    'Source-IP': '192.0.2.7',
    'Original-Mail-From': '<app@lab.test>',
    'SPF-DNS': 'txt : lab.test : "v=spf1 -all"',
  })
  const inner = await http.request(`messages/${message.id}?inside=3`)
  expect(inner.body.subject).toBe('order')
})
