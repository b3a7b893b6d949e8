import type { Examples } from './example.ts'

const id = 'F7864faba-7.5'
const folder = 'F7864faba-7'

const EML = [
  'From: Shop <shop@example.com>',
  'To: alice@lab.test',
  'Subject: Your code',
  'Message-ID: <1@shop.example.com>',
  '',
  'Your code is 123456.',
  '',
].join('\r\n')

const MBOX = ['From MAILER-DAEMON Wed Nov 25 16:40:00 2026', 'Status: RO', 'X-Status: ', ...EML.split('\r\n'), ''].join(
  '\n',
)

const summary = {
  id,
  folder: { id: folder, name: 'INBOX' },
  account: 'alice',
  newsgroup: null,
  captured: false,
  messageId: '<1@shop.example.com>',
  subject: 'Your code',
  attachments: 1,
  snippet: 'Your code is 123456.',
  from: { name: 'Shop', address: 'shop@example.com' },
  to: [{ name: '', address: 'alice@lab.test' }],
  cc: [],
  bcc: [],
  replyTo: [],
  date: '2026-11-25T16:40:00.000Z',
  receivedAt: '2026-11-25T16:40:00.123Z',
  sizeOctets: 987,
  read: false,
  flagged: false,
  flags: [],
  tags: [],
  envelope: { from: 'shop@example.com', to: ['alice@lab.test'] },
  session: 'smtp-1',
}

const attachment = {
  part: '2',
  filename: 'terms.txt',
  contentType: 'text/plain',
  disposition: 'attachment',
  cid: null,
  sizeOctets: 8,
}

const delivery = {
  id: 'smtp-1',
  virtualServer: 'Default SMTP Virtual Server',
  protocol: 'smtp',
  remoteAddress: '127.0.0.1',
  remotePort: 39272,
  localAddress: '127.0.0.1',
  localPort: 3025,
  startedAt: '2026-11-25T16:40:00.000Z',
  endedAt: '2026-11-25T16:40:00.200Z',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256, resumed: false },
  refusals: [],
  endCause: 'quit',
}

const authentication = {
  spf: {
    result: 'pass',
    reason: 'domain of shop@example.com designates 192.0.2.7 as permitted sender',
    domain: 'example.com',
    identity: 'mailfrom',
    clientAddress: '192.0.2.7',
    helo: 'mail.example.com',
    record: 'v=spf1 ip4:192.0.2.7 -all',
  },
  dkim: [
    {
      result: 'pass',
      domain: 'example.com',
      selector: 's1',
      algorithm: 'rsa-sha256',
      aligned: true,
      signature: 'dzdVyOfA',
      keyBits: 2048,
    },
  ],
  dmarc: {
    result: 'pass',
    domain: 'example.com',
    policy: 'reject',
    disposition: 'none',
    spfAligned: true,
    dkimAligned: true,
    record: 'v=DMARC1; p=reject',
  },
  arc: { result: 'none' },
  bimi: { result: 'none' },
}

const structure = [
  { part: '1', contentType: 'multipart/alternative', filename: null, encoding: null, sizeOctets: 363 },
  { part: '1.1', contentType: 'text/plain', filename: null, encoding: 'base64', sizeOctets: 28 },
  { part: '1.2', contentType: 'text/html', filename: null, encoding: 'base64', sizeOctets: 48 },
  { part: '2', contentType: 'text/plain', filename: 'terms.txt', encoding: 'base64', sizeOctets: 12 },
]

const delivered = { delivered: ['alice'], ids: [id] }

export const messageExamples: Examples = {
  'messages.list': {
    input: { query: 'subject:code is:unread', limit: 1 },
    answer: { items: [summary], next: 'eyJlcG9jaCI6IjEifQ', total: 2 },
  },
  'messages.deleteAll': { input: { query: 'before:2026-11-01' }, answer: { deleted: 12 } },
  'messages.send': {
    input: {
      from: 'Shop <shop@example.com>',
      to: ['alice'],
      subject: 'Your code',
      text: 'Your code is 123456.',
      html: '<p>Your code is <b>123456</b>.</p>',
      headers: { 'X-Campaign': 'autumn' },
      attachments: [{ filename: 'terms.txt', contentType: 'text/plain', content: 'QmUga2luZC4=' }],
    },
    answer: delivered,
  },
  'messages.import': {
    input: { to: 'alice' },
    upload: { type: 'message/rfc822', content: EML },
    answer: { ...delivered, messages: 1, known: 0 },
  },
  'messages.updateMany': { input: { ids: [id], read: true, addTags: ['checkout'] }, answer: { changed: 1 } },
  'messages.moveMany': {
    input: { ids: [id], folder: 'Archive' },
    answer: { moved: [{ id, newId: 'F7864faba-6.1', from: 'INBOX' }] },
  },
  'messages.deleteMany': { input: { ids: [id] }, answer: { deleted: 1 } },
  'messages.export': { input: { query: 'subject:code' }, answer: MBOX },
  'messages.thread': { input: { id }, answer: { items: [summary] } },
  'tags.list': { answer: { items: [{ name: 'checkout', messages: 3 }], next: null, total: 1 } },
  'messages.get': {
    input: { id },
    answer: {
      ...summary,
      text: 'Your code is 123456.',
      hasHtml: true,
      attachments: [attachment],
      links: [],
      codes: ['123456'],
      tlsReport: null,
      smime: null,
      delivery,
      authentication,
    },
  },
  'messages.headers': {
    input: { id },
    answer: {
      headers: [
        { name: 'From', value: 'Shop <shop@example.com>' },
        { name: 'To', value: 'alice@lab.test' },
        { name: 'Subject', value: 'Your code' },
      ],
    },
  },
  'messages.text': { input: { id }, answer: 'Your code is 123456.' },
  'messages.html': { input: { id }, answer: '<p>Your code is <b>123456</b>.</p>' },
  'messages.raw': { input: { id }, answer: EML },
  'messages.structure': { input: { id }, answer: { contentType: 'multipart/mixed', parts: structure } },
  'messages.part': { input: { id, part: '2' }, answer: 'Be kind.', answerType: 'text/plain' },
  'messages.update': {
    input: { id, read: true, tags: ['checkout'] },
    answer: { ...summary, read: true, flags: ['\\Seen', 'checkout'], tags: ['checkout'] },
  },
  'messages.move': {
    input: { id, folder: 'Archive' },
    answer: { ...summary, id: 'F7864faba-6.1', folder: { id: 'F7864faba-6', name: 'Archive' } },
  },
  'messages.delete': { input: { id } },
  wait: { input: { to: 'alice', subject: 'code', timeout: '10s' }, answer: summary },
}
