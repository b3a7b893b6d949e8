import type { Examples } from './example.ts'
import { certificatePem, keyPem, requestPem, thumbprint } from './pem.ts'

const name = 'Mail 2026'
const server = 'Default IMAP4 Virtual Server'

const certificate = {
  friendlyName: name,
  issuedTo: 'localhost',
  issuedBy: 'Sealpost Lab Root CA 3350CA',
  notBefore: '2026-11-26T04:31:31.000Z',
  notAfter: '2027-12-28T04:31:31.000Z',
  daysLeft: 396,
  state: 'valid',
  purposes: ['Server Authentication'],
  key: 'P-256',
  bits: 256,
  thumbprint,
  origin: 'issued',
  usedBy: [server],
  etag: 'mYd9Vw3AN3s1bq0YJ6q2v0',
}

const shown = {
  ...certificate,
  serial: '0B7F78BA7EB9BBEEDC03A3967477D538',
  subject: 'CN=localhost',
  issuer: 'CN=Sealpost Lab Root CA 3350CA, O=Sealpost',
  names: ['dns:localhost', 'dns:mail.lab.test'],
  chain: [],
  certificatePem,
}

const pending = {
  id: '6f1c0f4e',
  virtualServer: server,
  friendlyName: server,
  subject: [{ type: '2.5.4.3', value: 'localhost' }],
  names: ['dns:localhost'],
  key: 'keys/6f1c0f4e.pem',
  request: 'requests/6f1c0f4e.pem',
  createdAt: '2026-11-26T05:31:40.422Z',
}

const stored = { friendlyName: name, thumbprint }

export const certificateExamples: Examples = {
  'certificateDefects.list': {
    input: { limit: 2 },
    answer: {
      items: [
        { name: 'expired', kind: 'defect', meaning: 'It expired yesterday.' },
        { name: 'p384', kind: 'variant', meaning: 'Good: a key on the curve P-384.' },
      ],
      next: 'eyJrZXkiOiJwMzg0In0',
      total: 28,
    },
  },
  'virtualServers.verdicts': {
    input: { id: 'default-imap4-virtual-server' },
    answer: {
      serverName: 'localhost',
      ports: [
        {
          port: 3993,
          implicitTls: true,
          agreed: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256, keyExchange: 'ECDHE X25519' },
          sends: ['localhost', 'Sealpost Lab Root CA 3350CA'],
          trusting: {
            accepts: true,
            code: 0,
            message: 'ok',
            clients: [{ client: 'Thunderbird', accepts: true, says: '' }],
          },
          others: {
            accepts: false,
            code: 19,
            message: 'self-signed certificate in certificate chain',
            clients: [{ client: 'Thunderbird', accepts: false, says: 'SEC_ERROR_UNKNOWN_ISSUER' }],
          },
        },
      ],
      failed: [],
    },
  },
  'certificates.list': { answer: { items: [certificate], next: null, total: 1 } },
  'certificates.issue': {
    input: { for: 'imap4', friendlyName: name, key: 'p256', names: ['mail.lab.test'] },
    answer: { state: 'issued', authority: certificate.issuedBy, ...stored },
  },
  'certificates.import': {
    input: { friendlyName: 'Imported' },
    upload: { type: 'application/x-pem-file', content: certificatePem + keyPem },
    answer: { friendlyName: 'Imported', thumbprint },
  },
  'certificates.unassign': {
    input: { for: 'imap4' },
    answer: {
      virtualServer: server,
      ...stored,
      now: {
        kind: 'stored',
        friendlyName: 'localhost (issued by the lab)',
        thumbprint: '798BFE66737E4F2E989BF73C5A9BF08343F9E2CC',
      },
    },
  },
  'certificates.get': { input: { name }, answer: shown },
  'certificates.rename': { input: { name, friendlyName: 'Mail' }, answer: { ...shown, friendlyName: 'Mail' } },
  'certificates.delete': { input: { name } },
  'certificates.renew': {
    input: { name, newKey: true },
    answer: { state: 'renewed', replaces: '53D9CC2195B8552B0FA549FE5D2C658382AC3242', ...stored },
  },
  'certificates.assign': {
    input: { name, for: 'smtp' },
    answer: { virtualServer: 'Default SMTP Virtual Server', ...stored },
  },
  'certificates.export': {
    input: { name, format: 'pem' },
    answer: certificatePem + keyPem,
    answerType: 'application/x-pem-file',
  },
  'requests.list': { answer: { items: [pending], next: null, total: 1 } },
  'requests.create': {
    input: { for: 'imap4', commonName: 'localhost', key: 'p256' },
    answer: { virtualServer: server, pem: requestPem, warnings: [] },
  },
  'requests.plan': {
    input: { for: 'imap4', commonName: 'localhost', organization: 'Example', country: 'JP', key: 'p256' },
    answer: {
      virtualServer: server,
      friendlyName: server,
      key: 'p256',
      subject: 'CN=localhost, O=Example, C=JP',
      names: ['dns:localhost'],
      warnings: [],
    },
  },
  'requests.get': { input: { for: 'imap4' }, answer: requestPem, answerType: 'application/x-pem-file' },
  'requests.collect': {
    input: { for: 'imap4' },
    answer: { state: 'pending', virtualServer: server, certificate: null },
  },
  'requests.cancel': { input: { for: 'imap4' } },
  'requests.install': {
    input: { for: 'imap4' },
    upload: { type: 'application/pkix-cert', content: certificatePem },
    answer: {
      virtualServer: server,
      friendlyName: server,
      thumbprint,
      warnings: ['the chain is incomplete: the issuer outside is neither in the file nor in the store'],
    },
  },
}
