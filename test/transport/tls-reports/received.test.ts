import { gzipSync } from 'node:zlib'
import { createTransport } from 'nodemailer'
import { beforeEach, expect, it } from 'vitest'
import { timesOf } from '../../../src/transport/daily-results.ts'
import { composeTlsReport } from '../../../src/transport/tls-reports/compose.ts'
import type { TlsReport } from '../../../src/transport/tls-reports/types.ts'
import { writeTlsReport } from '../../../src/transport/tls-reports/write.ts'
import { HttpLab } from '../../servers/http/client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'tls'].map((user) => ({ user, password: 'secret' })) },
  outgoing: { tlsReports: { rua: ['mailto:tls@lab.test', 'https://localhost/tls-reports'] } },
})
beforeEach(() => http.lab.reset())

const report: TlsReport = {
  organizationName: 'Example',
  contactInfo: 'postmaster@example.test',
  reportId: 'report-1',
  ...timesOf('2026-01-01'),
  policies: [
    {
      policyType: 'tlsa',
      policyDomain: 'lab.test',
      policyStrings: ['3 1 1 00'],
      mxHosts: ['mx.lab.test'],
      successfulSessions: 5,
      failedSessions: 2,
      failures: [{ resultType: 'tlsa-invalid', failedSessions: 2, receivingMxHostname: 'mx.lab.test' }],
    },
  ],
}
const shown = {
  ...report,
  problem: null,
  startsAt: '2026-01-01T00:00:00.000Z',
  endsAt: '2026-01-01T23:59:59.000Z',
}

/** Returns what the API shows of the reports in a mailbox, the latest first. */
async function reportsOf(account: string) {
  const { body } = await http.request(`messages?account=${account}`)
  const messages = body.items.map(({ id }: { id: string }) => http.request(`messages/${id}`))
  return (await Promise.all(messages)).map((answer) => answer.body.tlsReport)
}

it('shows the report in a message that arrives by mail', async () => {
  const addressing = { from: 'a@example.test', to: 'alice@lab.test', domain: 'lab.test', submitter: 'example.test' }
  const raw = await composeTlsReport(report, { ...addressing, at: Date.now() })
  const transport = createTransport(http.lab.nodemailer())
  await transport.sendMail({ envelope: { from: 'a@example.test', to: 'alice@lab.test' }, raw })
  const broken = raw.toString().replace('\r\nH4sI', '\r\nH4sJ')
  await transport.sendMail({ envelope: { from: 'a@example.test', to: 'alice@lab.test' }, raw: broken })
  await transport.sendMail({ from: 'a@example.test', to: 'alice@lab.test', subject: 'no report' })
  expect(await reportsOf('alice')).toEqual([
    null,
    expect.objectContaining({ problem: expect.stringContaining('cannot be decompressed'), policies: [] }),
    shown,
  ])
})

it('keeps reports that arrive by HTTP as mail, without credentials', async () => {
  const json = writeTlsReport(report)
  const post = (body: string | Buffer, type: string) =>
    http.request('/tls-reports', { body, headers: { 'content-type': type } })
  expect((await post(json, 'application/tlsrpt+json')).status).toBe(201)
  expect((await post(gzipSync(json), 'application/tlsrpt+gzip')).status).toBe(201)
  expect(await reportsOf('tls')).toEqual([shown, shown])
  expect(await post('{}', 'application/tlsrpt+json')).toMatchObject({ status: 400 })
  expect((await post(json, 'text/plain')).status).toBe(415)
})

it.each([
  ['its own domain', 'a field instead of a name', 'mx.test\r\nX-Injected: yes', 'lab.test'],
  ['its own domain', 'a quotation mark', 'a".test', 'lab.test'],
  ['its own domain', 'too long a name', `${'x.'.repeat(200)}test`, 'lab.test'],
  ['the domain of the report', 'a host name', 'other.test', 'other.test'],
])('writes %s in the header if the policy domain is %s', async (_own, _what, policyDomain, domain) => {
  const [policy] = report.policies
  const hostile = { ...report, reportId: 'r>\r\nX-Injected: yes', policies: [{ ...policy, policyDomain }] } as TlsReport
  const headers = { 'content-type': 'application/tlsrpt+json' }
  expect((await http.request('/tls-reports', { body: writeTlsReport(hostile), headers })).status).toBe(201)
  const [latest] = (await http.request('messages?account=tls')).body.items
  const { body: raw } = await http.request(`messages/${latest.id}/raw`)
  expect(raw).not.toMatch(/^X-Injected/m)
  expect(raw).toContain(`\r\nTLS-Report-Domain: ${domain}\r\n`)
})
