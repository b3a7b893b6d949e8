import type { Examples } from './example.ts'
import { certificatePem } from './pem.ts'

const job = {
  id: 'verify-1',
  kind: 'verify',
  about: 'Default IMAP4 Virtual Server',
  by: 'ci',
  state: 'running',
  startedAt: '2026-11-26T05:31:34.541Z',
  endedAt: null,
  progress: { done: 0, total: 1, now: 'connects to 1 ports' },
  waitsForClient: false,
  outcome: null,
}

const endpoint = {
  name: 'Default IMAP4 Virtual Server',
  protocol: 'imap4',
  host: '127.0.0.1',
  port: 3993,
  implicitTls: true,
  serverName: 'localhost',
  checks: [{ check: 'reachable', title: 'reachable', outcome: 'pass', words: 'connected' }],
}

const result = {
  ok: true,
  counts: { pass: 1, fail: 0, warn: 0, 'not-applicable': 0 },
  verdict: 'no check failed: 1 check passed',
  endpoints: [endpoint],
}

const verify = { virtualServers: ['default-imap4-virtual-server'], form: 'implicit', only: ['reachable'] }
const input = { ...verify, timeout: '10000ms' }
const started = { ...job, input, result: null, partial: null, error: null }
const endedAt = '2026-11-26T05:31:34.602Z'
const progress = { done: 1, total: 1, now: 'done' }
const outcome = { ok: result.ok, counts: result.counts }
const done = { ...started, state: 'done', endedAt, progress, outcome, result }

const auditInput = { protocols: ['pop3'], forms: ['implicit'], names: ['p256'] }

const audit = {
  ...started,
  id: 'audit-1',
  kind: 'audit',
  about: 'POP3 · implicit TLS',
  input: { ...auditInput, timeout: '600000ms' },
  progress: { done: 0, total: 2, now: 'opens 2 servers' },
}

const target = {
  name: 'control',
  meaning: 'Good: the server that a client must accept before it is judged.',
  protocol: 'pop3',
  form: 'implicit',
  hostname: 'control.badmail.localhost',
  address: '127.0.0.1',
  port: 41_013,
  user: 'alice-20423',
  password: 'secret',
  visited: false,
}

export const jobExamples: Examples = {
  'verify.start': { input: verify, answer: started },
  'audit.start': { input: auditInput, answer: audit },
  'audit.targets': { input: { id: audit.id }, answer: { ca: certificatePem, items: [target] } },
  'audit.results': {
    input: { id: audit.id, results: [{ name: 'control', protocol: 'pop3', form: 'implicit', accepted: true }] },
    answer: {
      ...audit,
      waitsForClient: true,
      progress: { done: 2, total: 2, now: 'waits for clients; POST /api/v1/jobs/audit-1/results ends it' },
    },
  },
  'jobs.list': { input: { kind: 'verify' }, answer: { items: [job], next: null, total: 1 } },
  'jobs.get': { input: { id: job.id }, answer: done },
  'jobs.cancel': {
    input: { id: job.id },
    answer: { ...done, state: 'cancelled', outcome: null, result: null, partial: { endpoints: [endpoint] } },
  },
  'jobs.delete': { input: { id: job.id } },
  'jobs.report': { input: { id: job.id, format: 'json' }, answer: result, answerType: 'application/json' },
}
