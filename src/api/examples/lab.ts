import type { Examples } from './example.ts'
import { thumbprint } from './pem.ts'

const folder = {
  id: 'F7864faba-8',
  name: 'Invoices',
  account: 'alice',
  newsgroup: null,
  captured: false,
  specialUse: null,
  uidValidity: 1795671100,
  messages: 0,
  unread: 0,
  sizeOctets: 0,
}

const inbox = { ...folder, id: 'F7864faba-7', name: 'INBOX', messages: 13, unread: 12, sizeOctets: 10513 }

const session = {
  id: 'smtp-1',
  virtualServer: 'Default SMTP Virtual Server',
  protocol: 'smtp',
  remoteAddress: '127.0.0.1',
  remotePort: 39272,
  localAddress: '127.0.0.1',
  localPort: 3025,
  startedAt: '2026-11-26T05:31:34.541Z',
  endedAt: '2026-11-26T05:31:34.560Z',
  refusals: ['the client does not trust the certificate: unknown_ca'],
  endCause: 'handshake failed',
  summary:
    '2026-11-26T05:31:34.541Z smtp-1, Default SMTP Virtual Server from 127.0.0.1 port 39272, TLS not established, no log-on, handshake failed; refused: the client does not trust the certificate: unknown_ca',
  captured: true,
}

const transcript = [{ at: '2026-11-26T05:31:34.542Z', encrypted: false, kind: 'note', text: session.refusals[0] }]

const virtualServer = {
  id: 'default-smtp-virtual-server',
  name: 'Default SMTP Virtual Server',
  protocol: 'smtp',
  address: '127.0.0.1',
  requireSecureChannel: false,
  require128BitEncryption: false,
  legacyTls: false,
  proxies: [],
  port: 3025,
  tlsPort: 3465,
  reachable: true,
  certificate: { friendlyName: 'localhost (issued by the lab)', thumbprint, expiresAt: '2027-11-26T05:31:00.000Z' },
  traffic: {
    connections: 12,
    openConnections: 1,
    refusedSessions: 2,
    failedHandshakes: 2,
    handshakes: { 'TLSv1.3': 9, 'TLSv1.2': 1 },
  },
}

const fault = {
  name: 'greylisting',
  when: { verb: 'RCPT', matching: 'bob@' },
  do: { reply: '451 4.7.1 Try again later' },
  times: 1,
}

const faultTag = '0wxoe2kEz7pgzHQ2pC07bE'

const delivery = {
  id: 'msg_0001795671094541',
  url: 'http://127.0.0.1:9000/hook',
  event: 'message.received',
  state: 'failed',
  attempts: 8,
  status: 500,
  error: 'the receiver answered 500',
  createdAt: '2026-11-26T05:31:34.541Z',
  nextAttemptAt: null,
  finishedAt: '2026-11-26T07:14:10.000Z',
}

const tenant = {
  name: 'ci42',
  token: 'pWMq3xWWdCpYGRTzBgtX1__JznzAy3C1',
  baseUrl: '/t/ci42/api/v1',
  accounts: [
    { user: 'ci42-alice', password: 'UC8XnqMO5g4Z', address: 'ci42-alice@lab.test' },
    { user: 'ci42-bob', password: 'ViFKeVbLwk-u', address: 'ci42-bob@lab.test' },
  ],
}

const memory = {
  connections: 131072,
  messages: 0,
  compression: 0,
  transcripts: 71000,
  caches: 14958,
  captures: 18240,
  limit: 1073741824,
  used: 217030,
  refusals: 0,
}

const sample = {
  at: '2026-11-26T05:31:40.000Z',
  connections: { smtp: 2, http: 1 },
  completedHandshakes: { smtp: 1 },
  failedHandshakes: { smtp: 1 },
  refusedSessions: { smtp: 1 },
  messages: { mail: 1 },
  droppedMessages: {},
  openConnections: { http: 1 },
  memory: { residentOctets: 98304000, heapOctets: 31457280, clientOctets: 217030 },
  eventLoopDelay: { meanMs: 0.4, maxMs: 3.1 },
}

const caller = { role: 'account', name: 'alice', tenant: null, may: ['read', 'change'] }

const noAccess = { state: null, twoFactor: false, appPasswords: [], delegates: [], outOfOffice: null }

const carol = {
  user: 'carol',
  addresses: ['carol@lab.test', 'sales@lab.test'],
  configured: false,
  ...noAccess,
  messages: 0,
  unread: 0,
}

export const labExamples: Examples = {
  'folders.list': { input: { account: 'alice' }, answer: { items: [inbox, folder], next: null, total: 2 } },
  'folders.get': { input: { id: inbox.id }, answer: inbox },
  'folders.create': { input: { account: 'alice', name: 'Invoices' }, answer: folder },
  'folders.rename': { input: { id: folder.id, name: 'Paid' }, answer: { ...folder, name: 'Paid' } },
  'folders.delete': { input: { id: folder.id } },
  'accounts.list': {
    answer: {
      mode: 'listed',
      items: [
        { user: 'alice', addresses: ['alice@lab.test'], configured: true, ...noAccess, messages: 14, unread: 13 },
      ],
      next: null,
      total: 1,
    },
  },
  'accounts.get': {
    input: { user: 'alice' },
    answer: { user: 'alice', addresses: ['alice@lab.test'], configured: true, ...noAccess, messages: 14, unread: 13 },
  },
  'accounts.create': {
    input: { user: 'carol', password: 'secret', addresses: ['carol@lab.test', 'sales@lab.test'] },
    answer: carol,
  },
  'accounts.update': { input: { user: 'carol', state: 'locked' }, answer: { ...carol, state: 'locked' } },
  'accounts.delete': { input: { user: 'carol' } },
  'sessions.list': {
    input: { protocol: 'smtp', failed: true, limit: 1 },
    answer: { items: [session], next: 'eyJpZCI6InNtdHAtMSJ9', total: 3 },
  },
  'sessions.get': { input: { id: session.id }, answer: { ...session, transcript } },
  'sessions.handshake': {
    input: { id: session.id },
    answer: {
      session: session.id,
      virtualServer: session.virtualServer,
      outcome: 'failed',
      explanation: session.refusals[0],
      offered: 'TLSv1.3, TLSv1.2; 58 suites; groups X25519, P-256; key shares X25519; server name localhost',
      agreed: null,
      clientSoftware: 't13d591000_a33745022dd6_1f22a2ca17c4',
      policy: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', require128BitEncryption: false },
      certificate: { friendlyName: 'localhost (issued by the lab)', thumbprint },
      comparison: {
        offered: {
          versions: ['TLSv1.3', 'TLSv1.2'],
          suites: [{ name: 'TLS_AES_256_GCM_SHA384', bits: 256 }],
          groups: ['X25519', 'P-256'],
          keyShares: ['X25519'],
          signatureAlgorithms: ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256'],
          alpn: [],
        },
        served: {
          versions: ['TLSv1.2', 'TLSv1.3'],
          suites: [{ name: 'TLS_AES_256_GCM_SHA384', bits: 256 }],
          groups: ['X25519', 'P-256'],
        },
      },
    },
  },
  'sessions.capture': { input: { id: session.id }, answer: 'the octets of a pcapng file' },
  'virtualServers.list': { answer: { items: [virtualServer], next: null, total: 1 } },
  'virtualServers.get': { input: { id: virtualServer.id }, answer: virtualServer },
  'faults.list': { answer: { items: [{ id: 'f1', fault, hits: 1, etag: faultTag }], next: null, total: 1 } },
  'faults.get': { input: { id: 'f1' }, answer: { id: 'f1', fault, hits: 1, etag: faultTag } },
  'faults.add': { input: fault, answer: { id: 'f1', fault, hits: 0, etag: faultTag } },
  'faults.update': {
    input: { id: 'f1', when: { matching: null }, times: 3 },
    answer: {
      id: 'f1',
      fault: { ...fault, when: { verb: 'RCPT' }, times: 3 },
      hits: 0,
      etag: 'mYd9Vw3AN3s1bq0YJ6q2v0',
    },
  },
  'faults.remove': { input: { id: 'f1' } },
  'webhooks.list': {
    answer: {
      items: [
        {
          url: delivery.url,
          events: ['message.received'],
          filter: 'to:shop@',
          pending: 0,
          delivered: 12,
          failed: 1,
        },
      ],
      next: null,
      total: 1,
    },
  },
  'webhooks.deliveries': { input: { state: 'failed' }, answer: { items: [delivery], next: null, total: 1 } },
  'accessTokens.create': {
    input: { user: 'alice', scope: ['imap4', 'smtp'], expiresIn: '5m' },
    answer: {
      accessToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
      tokenType: 'Bearer',
      user: 'alice',
      scope: ['imap4', 'smtp'],
      expiresAt: '2026-11-26T05:36:34.000Z',
    },
  },
  'tenants.create': { input: { name: tenant.name, accounts: ['alice', 'bob'] }, answer: tenant },
  'tenants.get': { input: { name: tenant.name }, answer: tenant },
  'tenants.list': { answer: { items: [tenant], next: null, total: 1 } },
  'tenants.delete': { input: { name: tenant.name } },
  'status.get': {
    answer: {
      hostname: 'localhost',
      domain: 'lab.test',
      version: '0.1.0',
      nodeVersion: 'v20.20.0',
      startedAt: '2026-11-26T05:30:12.114Z',
      uptimeMs: 89867,
      time: '2026-11-26T05:31:41.981Z',
      role: 'administrator',
      messages: 14,
      sessions: 2,
      memory,
    },
  },
  'cluster.get': {
    answer: {
      shared: true,
      name: 'lab',
      node: 'mail-1',
      nodes: [
        {
          name: 'mail-1',
          host: 'mail-1',
          pid: 7,
          version: '0.1.0',
          state: 'ready',
          startedAt: '2026-11-26T05:30:12.114Z',
          seenAt: '2026-11-26T05:31:41.202Z',
          addresses: ['0.0.0.0:8025'],
          roles: ['retention', 'feeds', 'outgoing', 'reports', 'acme'],
        },
      ],
      unled: [],
    },
  },
  'health.get': {
    answer: {
      ok: false,
      ports: { ok: true, open: 9, closed: [] },
      store: { ok: true, kind: 'memory', messages: 14, usedOctets: 21040, freeOctets: 1073720784 },
      memory: { ok: true, usedOctets: memory.used, limitOctets: memory.limit, refusals: 0 },
      certificates: {
        ok: true,
        expiring: [],
        next: {
          virtualServer: session.virtualServer,
          friendlyName: virtualServer.certificate.friendlyName,
          expiresAt: virtualServer.certificate.expiresAt,
        },
      },
      requests: { ok: true, waiting: 0 },
      sessions: {
        ok: false,
        refused: 1,
        latest: { id: session.id, virtualServer: session.virtualServer, why: session.refusals[0] },
      },
    },
  },
  'statistics.get': {
    input: { since: '2026-11-26T05:31:30.000Z' },
    answer: { intervalMs: 10000, samples: [sample], now: { ...sample, at: '2026-11-26T05:31:42.310Z', messages: {} } },
  },
  'log.list': {
    input: { query: 'handshake', limit: 1 },
    answer: {
      items: [
        {
          id: '3',
          at: '2026-11-26T05:31:34.560Z',
          level: 'info',
          message: 'session ended: handshake failed',
          facts: {
            session: session.id,
            server: session.virtualServer,
            client: '127.0.0.1:39272',
            refusals: session.refusals,
            durationMs: 19,
          },
        },
      ],
      next: null,
      total: 1,
    },
  },
  reset: {},
  'session.get': { answer: caller },
  'session.create': { answer: caller },
  'session.delete': {},
}
