import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { timesOf } from '../../../src/transport/daily-results.ts'
import { composeDmarcReport } from '../../../src/transport/dmarc-reports/compose.ts'
import { needsModule } from '../../support/programs.ts'

// The version in Debian finds no elements with a namespace, so that it reads reports by the older rules only.
it.runIf(needsModule('perl', 'Mail::DMARC'))('Mail::DMARC reads an aggregate report by RFC 7489', async () => {
  const row = { dkim: 'fail', reasons: [], envelopeFrom: 'shop.test', dkimResults: [] }
  const raw = await composeDmarcReport(
    {
      organizationName: 'Lab & Sons',
      email: 'dmarc-reports@lab.test',
      reportId: 'a1b2',
      ...timesOf('2026-12-01'),
      policy: { domain: 'shop.test', p: 'quarantine', sp: 'none' },
      rows: [
        { ...row, sourceIp: '192.0.2.7', count: 2, disposition: 'pass', spf: 'pass', headerFrom: 'shop.test' },
        { ...row, sourceIp: '2001:db8::7', count: 1, disposition: 'none', spf: 'fail', headerFrom: 'a.shop.test' },
      ],
    },
    { from: 'dmarc-reports@lab.test', to: 'dmarc@shop.test', submitter: 'lab.test', at: Date.UTC(2026, 11, 2) },
    { edition: 'rfc7489' },
  )
  const script = join(import.meta.dirname, 'read-report.pl')
  const { stderr } = spawnSync('perl', [script], { input: raw, encoding: 'utf8' })
  expect(JSON.parse(stderr)).toEqual({
    domain: 'shop.test',
    p: 'quarantine',
    org: 'Lab & Sons',
    rows: [
      { ip: '192.0.2.7', count: 2, disposition: 'none', spf: 'pass', from: 'shop.test' },
      { ip: '2001:db8::7', count: 1, disposition: 'none', spf: 'fail', from: 'a.shop.test' },
    ],
  })
})
