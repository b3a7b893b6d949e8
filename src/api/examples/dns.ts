import type { Examples } from './example.ts'

const zone = {
  name: 'lab.test',
  records: 17,
  serial: 1795713723,
  signed: false,
  ds: null,
  authenticated: false,
  defects: [],
}

const record = {
  id: 'r1',
  zone: 'lab.test',
  name: '_acme-challenge.lab.test',
  type: 'TXT',
  ttl: 60,
  data: '"gfj9Xq...Rg85nM"',
  text: '_acme-challenge.lab.test. 60 IN TXT "gfj9Xq...Rg85nM"',
}

const mx = {
  id: null,
  zone: 'lab.test',
  name: 'lab.test',
  type: 'MX',
  ttl: 60,
  data: '10 mail.lab.test.',
  text: 'lab.test. 60 IN MX 10 mail.lab.test.',
}

const defect = { id: 'd1', zone: 'lab.test', defect: 'slow', name: null, types: ['MX'], delayMs: 2000 }

const query = {
  at: '2026-11-26T05:31:34.541Z',
  name: 'lab.test',
  type: 'MX',
  client: '127.0.0.1',
  protocol: 'udp',
  rcode: 'NOERROR',
  dnssecOk: false,
}

export const dnsExamples: Examples = {
  'dnsZones.list': { answer: { items: [zone], next: null, total: 1 } },
  'dnsZones.get': { input: { name: 'lab.test' }, answer: zone },
  'dnsZones.file': {
    input: { name: 'lab.test' },
    answer: 'lab.test. 60 IN SOA ns.lab.test. hostmaster.lab.test. 1795713723 3600 600 604800 60\n…',
  },
  'dnsQueries.list': { input: { type: 'MX' }, answer: { items: [query] } },
  'dnsRecords.list': { input: { zone: 'lab.test', type: 'MX' }, answer: { items: [mx], next: null, total: 1 } },
  'dnsRecords.get': { input: { id: 'r1' }, answer: record },
  'dnsRecords.add': { input: { record: '_acme-challenge.lab.test 60 IN TXT "gfj9Xq...Rg85nM"' }, answer: record },
  'dnsRecords.remove': { input: { id: 'r1' } },
  'dnsDefects.list': { answer: { items: [defect], next: null, total: 1 } },
  'dnsDefects.get': { input: { id: 'd1' }, answer: defect },
  'dnsDefects.add': { input: { defect: 'slow', delay: '2s', types: ['MX'] }, answer: defect },
  'dnsDefects.remove': { input: { id: 'd1' } },
}
