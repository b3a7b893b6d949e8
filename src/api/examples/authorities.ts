import type { Examples } from './example.ts'
import { certificatePem, thumbprint } from './pem.ts'

const name = 'Test CA'

/** A request for mail.example.test that the lab can sign. RFC 2986. */
const CSR = `-----BEGIN CERTIFICATE REQUEST-----
MIIBBzCBrQIBADAcMRowGAYDVQQDDBFtYWlsLmV4YW1wbGUudGVzdDBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABEKuxC9E8xq5UybpJJbDbTLWRkaOx40HBLLK9PjO
MKIllXKG2guVhBGifnqbx4m5LPzKW5Er7sU0bsB50KSUZpygLzAtBgkqhkiG9w0B
CQ4xIDAeMBwGA1UdEQQVMBOCEW1haWwuZXhhbXBsZS50ZXN0MAoGCCqGSM49BAMC
A0kAMEYCIQCOFOQsFPI+im/VhhVZcX9iOpF1m3fQE2kady6+uoYAqgIhAIcLejvt
Dbs3yYjWdLswBLjRb0pgpRCSfdLtH9CpaPaA
-----END CERTIFICATE REQUEST-----
`

const authority = {
  name,
  role: 'root',
  type: 'standalone',
  default: false,
  ready: true,
  keys: 1,
  issued: 0,
  revoked: 0,
  waiting: 0,
  issuedBy: name,
  notAfter: '2036-11-23T04:31:40.000Z',
  key: 'P-256',
  thumbprint,
}

const issued = {
  serial: 'BBDBDBFAB87DADBEF44C0080F4822B67',
  subject: 'mail.example.test',
  thumbprint,
  certificate: 'authorities/test-ca/issued/BBDBDBFAB87DADBEF44C0080F4822B67.pem',
  notBefore: '2026-11-26T04:31:41.000Z',
  notAfter: '2027-12-28T04:31:41.000Z',
}

const request = {
  id: 1,
  request: 'authorities/test-ca/requests/1.pem',
  subject: 'CN=localhost',
  receivedAt: '2026-11-26T05:31:40.422Z',
  state: 'issued',
  serial: '8B868176F9CCFD7511AA73593B6794C2',
  authority: name,
}

const pemFile = 'application/x-pem-file'

export const authorityExamples: Examples = {
  'authorities.list': { answer: { items: [authority], next: null, total: 1 } },
  'authorities.create': { input: { name, key: 'p256', type: 'standalone' }, answer: authority },
  'authorities.get': { input: { name }, answer: authority },
  'authorities.roots': { answer: certificatePem, answerType: pemFile },
  'authorities.requests': { answer: { items: [request], next: null, total: 1 } },
  'authorities.answer': {
    input: { id: 1, decision: 'approve' },
    answer: { state: 'issued', pem: certificatePem },
  },
  'authorities.revoke': {
    input: { certificate: issued.serial, reason: 'keyCompromise' },
    answer: {
      entry: { ...issued, revoked: { at: '2026-11-26T05:31:41.203Z', reason: 'keyCompromise' } },
      authority: name,
    },
  },
  'authorities.sign': {
    input: { days: 30 },
    upload: { type: 'application/pkcs10', content: CSR },
    answer: certificatePem,
    answerType: pemFile,
  },
  'authorities.export': { input: { name, format: 'pem' }, answer: certificatePem, answerType: pemFile },
  'authorities.issued': { input: { name }, answer: { items: [issued], next: null, total: 1 } },
  'authorities.service': {
    input: { name },
    answer: {
      url: 'http://localhost:3080',
      roots: 'http://localhost:3080/root.pem',
      acme: {
        directory: 'https://localhost:3443/acme/test-ca/directory',
        httpPort: 80,
        tlsAlpnPort: 443,
        hasDns: false,
        needsExternalAccount: false,
      },
      crls: [
        {
          url: 'http://localhost:3080/crl/test-ca.crl',
          number: 1795667501203,
          thisUpdate: '2026-11-26T05:31:41.203Z',
          nextUpdate: '2026-12-03T05:31:41.203Z',
          revoked: 1,
        },
      ],
      ocsp: {
        url: 'http://localhost:3080/ocsp/test-ca',
        answers: [
          {
            at: '2026-11-26T05:32:10.004Z',
            serial: issued.serial,
            subject: issued.subject,
            status: 'revoked',
            client: '127.0.0.1',
          },
        ],
      },
    },
  },
  'authorities.orders': {
    input: { name },
    answer: {
      items: [
        {
          id: 'wK1V9kZ0n5uXcT2b',
          status: 'invalid',
          names: ['mail.example.test'],
          account: 'admin@example.test',
          expires: '2026-12-03T05:31:41.000Z',
          error: 'http-01: cannot connect to 127.0.0.1 port 5002: connection refused',
          challenges: [{ name: 'mail.example.test', type: 'http-01', status: 'invalid' }],
        },
      ],
      next: null,
      total: 1,
    },
  },
  'authorities.delete': { input: { name } },
}
