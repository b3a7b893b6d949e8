import type { Examples } from './example.ts'

const id = 'F7864faba-5.3'
const name = 'Default SMTP Connector'

const connector = {
  id: 'default-smtp-connector',
  name,
  domains: ['*'],
  when: 'release',
  route: 'smartHost',
  smartHost: { host: '127.0.0.1', port: 2525, tls: 'verify', user: 'relay' },
  keepCopy: true,
  rewrite: { to: null, from: null },
  allow: null,
  deny: ['ceo@example.test'],
  certificate: null,
  queue: { waiting: 0, sending: 0, deferred: 1, held: 0 },
  queued: 3,
  sent: 2,
  deferred: 1,
  failed: 0,
  lastSentAt: '2026-11-26T05:31:34.602Z',
  lastError: {
    at: '2026-11-26T05:31:40.422Z',
    text: '451 4.7.1 Greylisted, try again later',
    session: 'smtp-7',
  },
}

const queued = {
  id,
  connector: name,
  destination: '127.0.0.1:2525',
  state: 'deferred',
  mailFrom: 'shop@lab.test',
  recipients: [
    {
      address: 'customer@example.test',
      kind: 'deferred',
      code: 451,
      text: '451 4.7.1 Greylisted, try again later',
      at: '2026-11-26T05:31:40.422Z',
    },
  ],
  subject: 'Your code',
  sizeOctets: 987,
  queuedAt: '2026-11-26T05:31:40.001Z',
  attempts: 1,
  nextAttemptAt: '2026-11-26T05:32:41.310Z',
  reason: null,
  givesUpAt: '2026-11-28T05:31:40.001Z',
  session: 'smtp-6',
  lastSession: 'smtp-7',
}

const released = {
  id: 'F7864faba-9.4',
  from: 'shop@lab.test',
  to: ['customer@example.test'],
  deliveries: [
    {
      connector: name,
      destination: '127.0.0.1:2525',
      mailFrom: 'shop@lab.test',
      recipients: ['customer@example.test'],
      queueId: id,
    },
  ],
}

const one = { input: { ids: [id] }, answer: { messages: 1 } }

export const outgoingExamples: Examples = {
  'connectors.list': { answer: { items: [connector], next: null, total: 1 } },
  'connectors.get': { input: { id: connector.id }, answer: connector },
  'connectors.test': {
    input: { id: connector.id },
    answer: {
      ok: true,
      host: '127.0.0.1',
      port: 2525,
      session: 'smtp-8',
      steps: [
        { step: 'connect', ok: true, text: 'connected to 127.0.0.1 port 2525' },
        { step: 'EHLO', ok: true, text: 'relay.example.test offers PIPELINING, 8BITMIME, STARTTLS' },
        { step: 'STARTTLS', ok: true, text: 'TLS 1.3, TLS_AES_256_GCM_SHA384' },
        { step: 'certificate', ok: true, text: 'issued by Outside CA for relay.example.test' },
        { step: 'AUTH', ok: true, text: 'logged on as relay' },
        { step: 'QUIT', ok: true, text: 'the session is closed' },
      ],
    },
  },
  'queue.list': { input: { state: 'held' }, answer: { items: [{ ...queued, state: 'held' }], next: null, total: 1 } },
  'queue.get': { input: { id }, answer: queued },
  'queue.flush': { input: { all: true }, answer: { messages: 1 } },
  'queue.hold': one,
  'queue.unhold': one,
  'queue.delete': one,
  'queue.bounce': one,
  // A lab that has sent no mail by DNS.
  'tlsReports.list': { input: { domain: 'example.test' }, answer: { items: [] } },
  'tlsReports.send': {
    input: { domain: 'example.test' },
    answer: {
      reports: [{ domain: 'example.test', day: '2026-11-26', to: 'mailto:tls-reports@example.test', problem: null }],
    },
  },
  'messages.release': { input: { id: released.id, to: released.to }, answer: released },
  'messages.report': {
    input: { id: released.id, report: 'bounce+550.postfix' },
    answer: {
      id: released.id,
      from: 'shop@example.com',
      recipients: ['alice@lab.test'],
      dueAt: '2026-11-25T16:40:05.123Z',
    },
  },
  'messages.releaseMany': {
    input: { query: 'subject:code', to: released.to },
    answer: { released: [released], refused: [] },
  },
}
