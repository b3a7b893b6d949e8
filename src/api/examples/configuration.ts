import type { Examples } from './example.ts'

const change = {
  applied: true,
  durable: true,
  etag: 'N3s1bq0YJ6q2v0mYd9Vw3A',
  diff: [
    '--- config/lab.yaml',
    '+++ config/lab.yaml',
    '@@ -18,4 +18,4 @@',
    ' ',
    ' virtualServers:',
    '   - { protocol: smtp, port: 25 }',
    '-  - { protocol: imap4, port: 143, tlsPort: 993 }',
    '+  - { protocol: imap4, port: 143, tlsPort: 993, requireSecureChannel: true }',
    '',
  ].join('\n'),
  hunks: [
    {
      oldStart: 18,
      oldLines: 4,
      newStart: 18,
      newLines: 4,
      lines: [
        { kind: 'same', text: '' },
        { kind: 'same', text: 'virtualServers:' },
        { kind: 'same', text: '  - { protocol: smtp, port: 25 }' },
        { kind: 'removed', text: '  - { protocol: imap4, port: 143, tlsPort: 993 }' },
        { kind: 'added', text: '  - { protocol: imap4, port: 143, tlsPort: 993, requireSecureChannel: true }' },
      ],
    },
  ],
  warnings: [],
  afterRestart: [],
}

const configuration = {
  hostname: 'localhost',
  domain: 'lab.test',
  certificates: { store: 'certs', key: 'rsa-2048', renewAcme: true },
  directory: {
    accounts: [{ user: 'alice', password: '***', addresses: ['alice@lab.test'] }],
    mode: 'listed',
    unknown: 'refuse',
  },
  virtualServers: [{ name: 'Default SMTP Virtual Server', protocol: 'smtp', port: 25, tlsPort: 'off' }],
}

export const configurationExamples: Examples = {
  'configuration.get': {
    answer: {
      name: 'config/lab.yaml',
      file: '/home/alice/lab/config/lab.yaml',
      durable: true,
      etag: change.etag,
      locked: false,
      lockedBecause: null,
      changedOnDisk: false,
      configuration,
      overrides: [{ pointer: '/portOffset', origin: '--port-offset' }],
      warnings: [],
      afterRestart: [],
    },
  },
  'configuration.yaml': {
    answer: "domain: lab.test # of the accounts\ndirectory:\n  accounts:\n    - { user: alice, password: '***' }\n",
  },
  'configuration.schema': {
    answer: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {},
      additionalProperties: false,
      patternProperties: {},
    },
  },
  'configuration.diff': { answer: { diff: change.diff, hunks: change.hunks } },
  'configuration.change': {
    input: { changes: [{ op: 'set', path: '/virtualServers/imap4/requireSecureChannel', value: true }], dryRun: true },
    answer: { ...change, applied: false },
  },
  'configuration.reload': { input: {}, answer: { warnings: [], afterRestart: [] } },
  'clientSettings.get': {
    input: { account: 'alice' },
    answer: {
      user: 'alice',
      address: 'alice@lab.test',
      password: null,
      rootPem: '-----BEGIN CERTIFICATE-----\n…',
      servers: [
        {
          protocol: 'imap4',
          virtualServer: 'Default IMAP4 Virtual Server',
          host: 'localhost',
          port: 3993,
          security: 'tls',
          ports: [
            { port: 3993, security: 'tls' },
            { port: 3143, security: 'starttls' },
            { port: 3143, security: 'none' },
          ],
          logonNeedsTls: false,
          authentication: ['password', 'cram-md5', 'scram'],
          onlyThisMachine: true,
          legacyTls: false,
        },
      ],
      programs: [
        {
          id: 'thunderbird',
          name: 'Thunderbird',
          servers: [{ protocol: 'imap4', port: 3993, security: 'tls' }],
          needsLegacyTls: false,
          text: 'E-mail address   alice@lab.test',
        },
      ],
    },
  },
  'clientSettings.document': {
    input: { document: 'autoconfig', account: 'alice' },
    answer: '<clientConfig version="1.1">…',
  },
  'clock.get': { answer: { now: '2026-11-26T07:14:10.000Z', frozen: false, offsetMs: 0 } },
  'clock.change': {
    input: { advance: '1s' },
    answer: { now: '2026-11-26T07:14:11.000Z', frozen: false, offsetMs: 1000 },
  },
  'virtualServers.create': {
    input: { protocol: 'nntp', name: 'News for readers', port: 0 },
    answer: { ...change, id: 'news-for-readers' },
  },
  'virtualServers.update': {
    input: { id: 'default-smtp-virtual-server', limits: { connections: 200 }, relay: null, dryRun: true },
    answer: { ...change, applied: false },
  },
  'virtualServers.delete': { input: { id: 'news-for-readers' }, answer: change },
}
