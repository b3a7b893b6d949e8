import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** A page and the figure in it, then the file that the figure comes from: a limit in the source, or a measurement. */
type Row = readonly [page: string, figure: RegExp, source: string, value: RegExp]

/** Limits that pages state. */
const limits: readonly Row[] = [
  ['docs/console.md', /connections, live, the latest ([\d,]+)/, 'src/core/sessions/log.ts', /MAX_SESSIONS = (\w+)/],
  [
    'docs/console.md',
    /phone, tablets and mail programs \((\d+),/,
    'console/src/pages/mail/tabs/preview.tsx',
    /widths = \[(\w+)/,
  ],
  ['docs/api.md', /The lab keeps (\d+) events \(the first/, 'src/lab/histories.ts', /MAX_EVENTS = (\w+)/],
  ['docs/api.md', /for each of the latest ([\d,]+) messages/, 'src/lab/histories.ts', /MAX_MESSAGES = (\w+)/],
  ['console/src/texts/en/mail.ts', /keeps (\d+) events/, 'src/lab/histories.ts', /MAX_EVENTS = (\w+)/],
  ['console/src/texts/en/mail.ts', /latest (\d+) messages/, 'src/lab/histories.ts', /MAX_MESSAGES = (\w+)/],
  ['docs/api-events.md', /missed, up to ([\d,]+) events/, 'src/api/events/event-log.ts', /KEPT_EVENTS = (\w+)/],
  ['docs/api-events.md', /keeps up to ([\d,]+) lines/, 'src/lab/recording/log-lines.ts', /MAX_LINES = (\w+)/],
  ['docs/api-events.md', /Up to ([\d,]+) events wait/, 'src/api/webhooks/webhooks.ts', /MAX_PENDING = (\w+)/],
  [
    'docs/configuration.md',
    /keeps the latest (\d+) changes/,
    'src/api/configuration/history.ts',
    /MAX_HISTORY = (\w+)/,
  ],
  ['console/src/texts/en/lab.ts', /latest (\d+) changes/, 'src/api/configuration/history.ts', /MAX_HISTORY = (\w+)/],
  ['console/src/texts/en/verify.ts', /keeps the (\d+) that ended/, 'src/api/jobs/jobs.ts', /KEPT_JOBS = (\w+)/],
  ['docs/api-operations.md', /keeps the (\d+) jobs/, 'src/api/jobs/jobs.ts', /KEPT_JOBS = (\w+)/],
  ['docs/mail-checks.md', /at most (\d+) findings/, 'src/mail/checks/checks.ts', /MAX_FINDINGS = (\w+)/],
  ['docs/mail-checks.md', /requests up to (\d+) links/, 'src/api/messages/link-requests.ts', /MAX_LINKS = (\w+)/],
  [
    'docs/outgoing-mail.md',
    /search\*\* releases at most ([\d,]+)/,
    'src/api/outgoing/release.ts',
    /MAX_RELEASED = (\w+)/,
  ],
  ['docs/testing.md', /at most ([\d,]+) ms, or/, 'src/testing/waits/time-limit.ts', /DEFAULT_MS = (\w+)/],
  ['docs/testing.md', /or ([\d,]+) ms with mocha/, 'src/testing/waits/time-limit.ts', /MOCHA_MS = (\w+)/],
  ['docs/old-clients.md', /used for (\d+) handshakes/, 'src/tls/legacy/options.ts', /HANDSHAKES_PER_KEY = (\w+)/],
  ['docs/old-clients.md', /each virtual server\s+keeps ([\d,]+)/, 'src/tls/legacy/options.ts', /MAX_SESSIONS = (\w+)/],
  [
    'docs/providers/gmail.md',
    /keeps the last ([\d,]+)/,
    'src/storage/store/views/account-history.ts',
    /KEPT_STEPS = (\w+)/,
  ],
  ['docs/dns.md', /At most ([\d,]+) answers/, 'src/transport/dns/server/dns-server.ts', /MAX_UDP_PER_SECOND = (\w+)/],
  ['docs/dns.md', /UDP, (\d+) TCP/, 'src/transport/dns/server/dns-server.ts', /MAX_CONNECTIONS = (\w+)/],
  ['docs/dns.md', /and ([\d,]+) added records/, 'src/transport/dns/name-service.ts', /MAX_ADDED = (\w+)/],
  ['docs/dns.md', /the latest (\d+) queries/, 'src/transport/dns/name-service.ts', /MAX_RECENT = (\w+)/],
  ['docs/dns.md', /answers of up to (\d+) octets/, 'src/transport/dns/message.ts', /UDP_SIZE_OCTETS = (\w+)/],
]

/** Measurements that pages repeat in round figures. */
const measured: readonly Row[] = [
  [
    'docs/testing.md',
    /first lab take about (\d+) ms/,
    'docs/performance.md',
    /import and `startLab\(\)`.*?\| (\d+) ms/,
  ],
  ['docs/testing.md', /each further lab about (\d+) ms/, 'docs/performance.md', /further `startLab\(\)`.*?\| (\d+) ms/],
]

/** Returns the number that a pattern finds: `1,000`, `1_000` or `1000`. */
function numberIn(file: string, pattern: RegExp): number {
  const [, digits] = pattern.exec(read(file)) ?? []
  expect(digits, `${file}: ${pattern}`).toBeDefined()
  return Number(digits?.replaceAll(/[,_]/g, ''))
}

test.each(limits)('%s states the limit %s of %s', (page, figure, source, value) => {
  expect(numberIn(page, figure)).toBe(numberIn(source, value))
})

test.each(measured)('%s rounds the measurement %s of %s', (page, figure, source, value) => {
  expect(Math.abs(numberIn(page, figure) / numberIn(source, value) - 1)).toBeLessThan(0.1)
})
