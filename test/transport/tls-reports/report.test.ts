import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { headerFields } from '../../../src/mail/format/headers.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { timesOf } from '../../../src/transport/daily-results.ts'
import { addressOf } from '../../../src/transport/report-address.ts'
import { composeTlsReport } from '../../../src/transport/tls-reports/compose.ts'
import { readTlsReport, tlsReportIn } from '../../../src/transport/tls-reports/read.ts'
import { ruaInRecords, tlsReportRecord } from '../../../src/transport/tls-reports/record.ts'
import { type DayResults, TlsResults } from '../../../src/transport/tls-reports/results.ts'
import { type TlsReport, TlsReportError } from '../../../src/transport/tls-reports/types.ts'
import { writeTlsReport } from '../../../src/transport/tls-reports/write.ts'

const report: TlsReport = {
  organizationName: 'Example',
  contactInfo: 'postmaster@lab.test',
  reportId: '2026-01-01T00:00:00Z_example.test',
  ...timesOf('2026-01-01'),
  policies: [
    {
      policyType: 'sts',
      policyDomain: 'example.test',
      policyStrings: ['version: STSv1', 'mode: testing', 'mx: mx.example.test', 'max_age: 86400'],
      mxHosts: ['mx.example.test'],
      successfulSessions: 3,
      failedSessions: 1,
      failures: [{ resultType: 'certificate-expired', failedSessions: 1, receivingMxHostname: 'mx.example.test' }],
    },
  ],
}

it('reads the report that it writes, also compressed', async () => {
  const json = Buffer.from(writeTlsReport(report))
  expect(await readTlsReport(json)).toEqual(report)
  expect(await readTlsReport(gzipSync(json))).toEqual(report)
  expect(JSON.parse(json.toString())).toMatchObject({
    'date-range': { 'start-datetime': '2026-01-01T00:00:00Z', 'end-datetime': '2026-01-01T23:59:59Z' },
    policies: [{ summary: { 'total-successful-session-count': 3, 'total-failure-session-count': 1 } }],
  })
})

it('sends a report as a message that it finds again', async () => {
  const addressing = { from: 'tls@lab.test', to: 'rua@example.test', domain: 'example.test', submitter: 'lab.test' }
  const raw = await composeTlsReport(report, { ...addressing, at: report.endsAt })
  const text = raw.toString()
  expect(text).toMatch(/^Content-Type: multipart\/report; report-type=tlsrpt;/m)
  expect(text).toContain('Subject: Report Domain: example.test Submitter: lab.test Report-ID: <2026')
  expect(text).toContain('TLS-Report-Domain: example.test\r\nTLS-Report-Submitter: lab.test\r\n')
  expect(text).toContain('filename="lab.test!example.test!1767225600!1767311999.json.gz"')
  expect(await tlsReportIn(raw, parseMessage(raw))).toEqual(report)
  const broken = Buffer.from(text.replace(/\r\nH4sI/, '\r\nH4sJ'))
  expect(await tlsReportIn(broken, parseMessage(broken))).toBeInstanceOf(TlsReportError)
})

it.each([
  ['no JSON', Buffer.from('{')],
  ['a missing field', Buffer.from('{"organization-name":"x"}')],
  ['broken gzip', Buffer.from([0x1f, 0x8b, 1])],
  ['a gzip file that grows beyond the limit', gzipSync(Buffer.alloc(8 * 1024 * 1024, ' '))],
])('refuses a report with %s', async (_, octets) => {
  await expect(readTlsReport(octets)).rejects.toThrow(TlsReportError)
})

/** Returns the report as JSON, with changes in its only policy. */
function changed({ policies, ...changes }: Record<string, unknown>): Buffer {
  const file = JSON.parse(writeTlsReport(report))
  const [entry] = file.policies
  const policy = { ...entry.policy, ...(changes.policy as object) }
  return Buffer.from(JSON.stringify({ ...file, policies: policies ?? [{ ...entry, ...changes, policy }] }))
}
const [failure] = JSON.parse(writeTlsReport(report)).policies[0]['failure-details']

it.each([
  ['policies', changed({ policies: Array(300_000).fill({}) }), '1000 policies'],
  ['failures', changed({ 'failure-details': Array(1001).fill(failure) }), '1000 failure-details'],
  ['lines of a policy', changed({ policy: { 'policy-string': Array(101).fill('x') } }), '100 entries of policy-string'],
  ['hosts', changed({ policy: { 'mx-host': Array(101).fill('x') } }), '100 entries of mx-host'],
])('refuses a report with too many %s before it looks at each', async (_, octets, limit) => {
  await expect(readTlsReport(gzipSync(octets))).rejects.toThrow(`the TLS report has more than ${limit}`)
})

it('refuses a report of more than 1 MiB', async () => {
  const octets = changed({ policy: { 'policy-domain': 'x'.repeat(1024 * 1024) } })
  await expect(readTlsReport(octets)).rejects.toThrow('too large')
  await expect(readTlsReport(gzipSync(octets))).rejects.toThrow('cannot be decompressed')
})

it('says which policy has the first mistake', async () => {
  const [good] = JSON.parse(writeTlsReport(report)).policies
  const octets = changed({ policies: [good, { ...good, summary: {} }, 0] })
  await expect(readTlsReport(octets)).rejects.toThrow('policies.1.summary.total-successful-session-count')
  await expect(readTlsReport(changed({ policies: {} }))).rejects.toThrow('mistake: policies')
  await expect(readTlsReport(Buffer.from('null'))).rejects.toThrow(TlsReportError)
})

it('writes no header field that a report id or domain contains', async () => {
  const addressing = { from: 'tls@lab.test', to: 'rua@example.test', submitter: 'lab.test', at: report.endsAt }
  const reportId = `r>\r\nX-A: <é\0${'x'.repeat(300)}`
  const raw = await composeTlsReport({ ...report, reportId }, { ...addressing, domain: 'a.test\r\nX-B: 1\nX-C: 2\0' })
  const names = headerFields(raw).map(({ name }) => name)
  expect(names.filter((name) => /^x-/i.test(name))).toEqual([])
  const id = `rX-A:${'x'.repeat(195)}`
  expect(raw.toString()).toContain(
    `Subject: Report Domain: a.test X-B: 1 X-C: 2  Submitter: lab.test Report-ID: <${id}>\r\n`,
  )
})

it('writes and reads the record of a domain', () => {
  const record = tlsReportRecord(['mailto:tls@lab.test', 'https://lab.test/a,b!c;d'])
  expect(record).toBe('v=TLSRPTv1; rua=mailto:tls@lab.test,https://lab.test/a%2Cb%21c%3Bd')
  expect(ruaInRecords([record, 'v=spf1 -all'])).toEqual(['mailto:tls@lab.test', 'https://lab.test/a%2Cb%21c%3Bd'])
  expect(ruaInRecords([record, record])).toEqual([])
  expect(ruaInRecords(['v=TLSRPTv1; rua=ftp://lab.test'])).toEqual([])
  expect(addressOf('mailto:tls%2Ba@lab.test?subject=x')).toBe('tls+a@lab.test')
})

it.each([
  'mailto:a%40lab.test%3E%0D%0ABcc:%20b%40else.test%0D%0AX:%20%3C',
  'mailto:a%0D%0A@lab.test',
  'mailto:a@lab.test%2Cb@else.test',
  'mailto:a%00@lab.test',
  'mailto:a%20b@lab.test',
  'mailto:lab.test',
  'mailto:%ff@lab.test',
])('finds no address in %s', (uri) => {
  expect(addressOf(uri)).toBeUndefined()
})

it('counts results by day, domain and policy, and keeps them for a week', async () => {
  let now = Date.parse('2026-01-01T12:00:00Z')
  const clock = { now: () => now }
  const store = new MemoryStore({ clock })
  const results = new TlsResults(store, clock, 'a')
  const good = {
    domain: 'Example.test',
    policyType: 'sts' as const,
    policyStrings: ['mode: enforce'],
    mxHosts: ['a.test'],
  }
  const bad = { ...good, failure: { resultType: 'certificate-expired', receivingMxHostname: 'a.test' } }
  results.add([good, bad])
  results.add([bad, { ...good, policyType: 'no-policy-found', policyStrings: [] }])
  now += 86_400_000
  results.add([good])
  await results.flush()
  const again = new TlsResults(store, clock, 'a')
  expect((await again.list('example.test')).map(({ day }) => day)).toEqual(['2026-01-02', '2026-01-01'])
  expect((await again.list())[1]?.policies).toMatchObject([
    { policyType: 'sts', successfulSessions: 1, failedSessions: 2, failures: [{ failedSessions: 2 }] },
    { policyType: 'no-policy-found', successfulSessions: 1, failures: [] },
  ])
  const [latest, first] = (await again.list()) as [DayResults, DayResults]
  await again.delete(latest)
  expect(await results.list()).toHaveLength(1)
  now -= 86_400_000
  results.add([bad, { ...bad, failure: { resultType: 'certificate-not-trusted' } }])
  await results.flush()
  await again.delete(first)
  const left = { successfulSessions: 0, failedSessions: 2 }
  const failures = [
    { resultType: 'certificate-expired', failedSessions: 1 },
    { resultType: 'certificate-not-trusted', failedSessions: 1 },
  ]
  expect((await results.list())[0]?.policies).toMatchObject([{ policyType: 'sts', ...left, failures }])
  now += 86_400_000
  now += 8 * 86_400_000
  results.add([good])
  expect((await results.list()).map(({ day }) => day)).toEqual(['2026-01-10'])
})

it('limits what one domain makes it keep of a day', async () => {
  const clock = { now: () => Date.parse('2026-01-01T12:00:00Z') }
  const results = new TlsResults(new MemoryStore({ clock }), clock, 'a')
  const many = Array.from({ length: 200 }, (_, index) => `${index}.test`)
  const long = 'x'.repeat(5000)
  const failure = { resultType: 'validation-failure', failureReasonCode: long }
  const one = { domain: 'example.test', policyType: 'sts' as const, mxHosts: many, failure }
  results.add(many.map((line) => ({ ...one, policyStrings: [line, long, ...many] })))
  results.add([{ ...one, policyStrings: ['0.test', long, ...many] }])
  const [day] = await results.list()
  expect(day?.policies).toHaveLength(10)
  const [policy] = day?.policies ?? []
  expect(policy).toMatchObject({ failedSessions: 2, failures: [{ failedSessions: 2 }] })
  expect(policy?.mxHosts).toHaveLength(50)
  expect(policy?.policyStrings).toHaveLength(100)
  expect(policy?.policyStrings[1]).toHaveLength(1000)
  expect(policy?.failures[0]?.failureReasonCode).toHaveLength(1000)
})

it('limits what all domains together make it keep', async () => {
  const clock = { now: () => Date.parse('2026-01-01T12:00:00Z') }
  const results = new TlsResults(new MemoryStore({ clock }), clock, 'a')
  const policyStrings = Array.from({ length: 100 }, () => 'x'.repeat(1000))
  for (let index = 0; index < 60; index++)
    results.add([{ domain: `${index}.test`, policyType: 'sts', policyStrings, mxHosts: ['mx.test'] }])
  const kept = await results.list()
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.length).toBeLessThan(60)
})
