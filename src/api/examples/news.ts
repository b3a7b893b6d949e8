import type { Examples } from './example.ts'

const newsgroup = {
  id: 'F7864faba-b',
  name: 'lab.releases',
  account: null,
  newsgroup: 'lab.releases',
  captured: false,
  specialUse: null,
  uidValidity: 1795671100,
  messages: 0,
  unread: 0,
  sizeOctets: 0,
  description: 'New versions',
  posting: 'moderated',
  moderator: 'alice@lab.test',
  access: null,
  addresses: [],
  gateway: [],
  peers: 'accept',
  aliasOf: null,
  expireAfter: '30d',
  keepLatest: null,
  suggested: false,
  configured: false,
  createdAt: '2026-11-26T05:31:34.541Z',
  createdBy: 'ci',
  first: 1,
  last: 0,
}

const created = { description: 'New versions', posting: 'moderated', moderator: 'alice@lab.test', expireAfter: '30d' }
const messageId = '<2f1c7a55@lab.test>'
const id = 'F7864faba-a.7'

const article = {
  id,
  folder: { id: 'F7864faba-a', name: 'lab.general' },
  account: null,
  newsgroup: 'lab.general',
  captured: false,
  messageId,
  subject: 'Version 2',
  from: { name: 'Alice', address: 'alice@lab.test' },
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  date: '2026-11-26T05:31:34.000Z',
  receivedAt: '2026-11-26T05:31:34.541Z',
  sizeOctets: 460,
  read: false,
  flagged: false,
  flags: [],
  tags: [],
  attachments: 0,
  snippet: 'It is out.',
  envelope: null,
  session: null,
  parent: null,
  depth: 0,
}

const feed = {
  id: 'default-nntp-virtual-server-out-news-example-net',
  virtualServer: 'Default NNTP Virtual Server',
  peer: 'news.example.net',
  direction: 'out',
  groups: '*',
  host: 'news.example.net',
  port: 119,
  tls: 'starttls',
  state: 'retrying',
  succeededAt: null,
  failure: { at: '2026-11-26T05:31:34.541Z', message: 'cannot connect to news.example.net port 119: ECONNREFUSED' },
  nextAt: '2026-11-26T05:31:35.541Z',
  queue: { waiting: 1, deferred: 0 },
}

export const newsExamples: Examples = {
  'newsgroups.list': { answer: { items: [newsgroup], next: null, total: 1 } },
  'newsgroups.create': { input: { name: newsgroup.name, ...created }, answer: newsgroup },
  'newsgroups.get': { input: { name: newsgroup.name }, answer: newsgroup },
  'newsgroups.update': {
    input: { name: newsgroup.name, posting: 'yes', moderator: null },
    answer: { ...newsgroup, posting: 'yes', moderator: null },
  },
  'newsgroups.delete': { input: { name: newsgroup.name } },
  'articles.post': {
    input: { newsgroups: ['lab.general'], from: 'Alice <alice@lab.test>', subject: 'Version 2', text: 'It is out.' },
    answer: { messageId, articles: [{ id, newsgroup: 'lab.general', number: 7 }], moderator: null },
  },
  'newsgroups.threads': {
    input: { name: 'lab.general' },
    answer: { items: [{ messages: 1, unread: 1, articles: [article] }], total: 1 },
  },
  'articles.followUp': {
    input: { id },
    answer: {
      newsgroups: ['lab.general'],
      subject: 'Re: Version 2',
      headers: { References: messageId },
      mailTo: 'Alice <alice@lab.test>',
    },
  },
  'articles.cancel': { input: { id }, answer: { messageId: '<90b1d2e4@lab.test>' } },
  'feeds.list': { answer: { items: [feed], next: null, total: 1 } },
  'feeds.get': { input: { id: feed.id }, answer: feed },
  'feeds.retry': { input: { id: feed.id }, answer: feed },
  'feeds.queue': {
    input: { id: feed.id },
    answer: { items: [{ id, newsgroup: 'lab.general', messageId, deferred: false }] },
  },
}
