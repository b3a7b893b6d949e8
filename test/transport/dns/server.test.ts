import { Resolver } from 'node:dns/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { AD, ask, askByTcp, exchange, pointerBomb, query, RD } from './support.ts'

/** Types that libraries know by name. */
const oddTypes = [10, 18, 29, 36, 37, 44, 49, 55, 59, 60, 99, 4711]
const resolver = new Resolver({ timeout: 2000, tries: 1 })

const long = (count: number): string => `"${'x'.repeat(count)}"`

const lab = await startLab({
  hostname: 'mail.lab.test',
  virtualServers: [{ protocol: 'smtp', port: 0 }],
  dns: {
    port: 0,
    transfer: ['127.0.0.1'],
    zones: {
      'example.test': {
        records: [
          'www A 127.0.0.1',
          'www AAAA ::1',
          'Alias CNAME www',
          'out CNAME www.elsewhere.invalid.',
          'loop CNAME loop2',
          'loop2 CNAME loop',
          '*.wild TXT "any"',
          'in.wild A 127.0.0.2',
          `medium TXT ${long(255)} ${long(255)}`,
          `large TXT ${Array.from({ length: 8 }, () => long(255)).join(' ')}`,
          'a.b.c A 127.0.0.3',
          'sub NS ns.sub',
          'ns.sub A 127.0.0.9',
          'other TYPE4711 \\# 3 010203',
        ],
      },
      'odd.test': {
        records: [
          ...oddTypes.map((number) => `odd TYPE${number} \\# 4 01020304`),
          'numbered TYPE1 \\# 4 7F000005',
          'first\\046last MX 5 post\\.office',
        ],
      },
    },
  },
})
const at = lab.dns.endpoint
resolver.setServers([lab.dns.server])
afterAll(() => lab.stop())

describe('what exists', () => {
  test('has the records of the configuration and of zones', async () => {
    expect(await resolver.resolveMx('lab.test')).toEqual([{ exchange: 'mail.lab.test', priority: 10 }])
    expect(await resolver.resolve4('mail.lab.test')).toEqual(['127.0.0.1'])
    expect(await resolver.resolve6('www.example.test')).toEqual(['::1'])
    expect(await resolver.resolvePtr('1.0.0.127.in-addr.arpa')).toEqual(['mail.lab.test'])
  })

  test('answers with authority and without recursion, and copies RD', async () => {
    const answer = await ask(at, 'www.example.test', 'A', { flags: RD })
    expect(answer).toMatchObject({ rcode: 'NOERROR', flag_aa: true, flag_ra: false, flag_rd: true, flag_ad: false })
  })

  test('serves every type, known by name or by number (RFC 3597)', async () => {
    for (const number of oddTypes) {
      const response = await exchange(at, query('odd.odd.test', `TYPE${number}`))
      expect([number, response.subarray(-6).toString('hex')]).toEqual([number, '000401020304'])
    }
    expect(await resolver.resolve4('numbered.odd.test')).toEqual(['127.0.0.5'])
  })

  test('takes an escaped period for a part of a label (RFC 1035 section 5.1)', async () => {
    const first = Buffer.from('first.last')
    const asked = query('x.odd.test', 'MX')
    const escaped = Buffer.concat([asked.subarray(0, 12), Buffer.from([first.length]), first, asked.subarray(14)])
    const response = await exchange(at, escaped)
    expect(response.readUInt16BE(6)).toBe(1)
    expect(response.toString('latin1')).toContain('\x0bpost.office\x03odd\x04test\x00')
    expect(await ask(at, 'first.last.odd.test', 'MX')).toMatchObject({ rcode: 'NXDOMAIN' })
  })

  test('returns the name in the case of the question', async () => {
    const answer = await ask(at, 'wWw.ExAmple.tEst', 'A')
    expect(answer.questions[0]?.name).toBe('wWw.ExAmple.tEst')
    expect(answer.answers[0]?.name).toBe('wWw.ExAmple.tEst')
  })

  test('follows aliases within its zones', async () => {
    const { answers } = await ask(at, 'alias.example.test', 'A')
    expect(answers.map(({ type, name }) => `${name} ${type}`)).toEqual([
      'alias.example.test CNAME',
      'www.example.test A',
    ])
    const cname = await ask(at, 'alias.example.test', 'CNAME')
    expect(cname.answers).toHaveLength(1)
  })

  test('leaves aliases to other zones to the resolver, and fails for a circle of them', async () => {
    expect(await ask(at, 'out.example.test', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [{ type: 'CNAME' }] })
    expect(await ask(at, 'loop.example.test', 'A')).toMatchObject({ rcode: 'SERVFAIL', answers: [] })
  })

  test('fills in wildcards for names that do not exist', async () => {
    expect((await ask(at, 'a.wild.example.test', 'TXT')).answers[0]).toMatchObject({ name: 'a.wild.example.test' })
    expect((await ask(at, 'a.b.wild.example.test', 'TXT')).answers).toHaveLength(1)
    expect(await ask(at, 'in.wild.example.test', 'TXT')).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(await ask(at, 'x.in.wild.example.test', 'TXT')).toMatchObject({ rcode: 'NXDOMAIN' })
  })

  test('refers to the servers of a delegation, with their addresses', async () => {
    const answer = await ask(at, 'www.sub.example.test', 'A')
    expect(answer).toMatchObject({ flag_aa: false, rcode: 'NOERROR', answers: [] })
    expect(answer.authorities).toMatchObject([{ type: 'NS', name: 'sub.example.test' }])
    expect(answer.additionals).toMatchObject([{ type: 'A', data: '127.0.0.9' }])
  })

  test('answers one kind of records to ANY (RFC 8482)', async () => {
    const types = (await ask(at, 'www.example.test', 'ANY')).answers.map(({ type }) => type)
    expect(types).toEqual(['A'])
  })

  test('tells its version', async () => {
    expect(await ask(at, 'version.bind', 'TXT', { class: 'CH' })).toMatchObject({
      answers: [{ type: 'TXT', class: 'CH' }],
    })
  })
})

describe('what does not exist', () => {
  test('NXDOMAIN has the SOA record (RFC 2308)', async () => {
    const answer = await ask(at, 'nothing.example.test', 'A')
    expect(answer).toMatchObject({ rcode: 'NXDOMAIN', flag_aa: true, answers: [] })
    expect(answer.authorities).toMatchObject([{ type: 'SOA', name: 'example.test', ttl: 60 }])
  })

  test.each([
    ['another type', 'www.example.test', 'MX'],
    ['a name between others', 'c.example.test', 'A'],
  ])('NODATA for %s', async (_, name, type) => {
    const answer = await ask(at, name, type)
    expect(answer).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(answer.authorities).toMatchObject([{ type: 'SOA' }])
  })

  test('refuses names of other zones', async () => {
    expect(await ask(at, 'www.elsewhere.invalid', 'A')).toMatchObject({ rcode: 'REFUSED', flag_aa: false, answers: [] })
    expect(await ask(at, 'www.example.test', 'A', { class: 'HS' })).toMatchObject({ rcode: 'REFUSED' })
  })
})

describe('sizes', () => {
  test.each([
    ['512 octets without EDNS', undefined, true],
    ['512 octets for a smaller size', 100, true],
    ['the size of the client', 600, false],
  ])('%s', async (_, size, isTruncated) => {
    const octets = await exchange(at, query('medium.example.test', 'TXT', size === undefined ? {} : { size }))
    expect(octets.length <= Math.max(512, size ?? 0)).toBe(true)
    const answer = await ask(at, 'medium.example.test', 'TXT', size === undefined ? {} : { size })
    expect(answer.flag_tc).toBe(isTruncated)
    expect(answer.answers).toHaveLength(isTruncated ? 0 : 1)
  })

  test('at most 1232 octets by UDP, and all by TCP', async () => {
    expect(await ask(at, 'large.example.test', 'TXT', { size: 4096 })).toMatchObject({ flag_tc: true, answers: [] })
    const [whole] = await askByTcp(at, query('large.example.test', 'TXT'))
    expect(whole).toMatchObject({ flag_tc: false, answers: [{ type: 'TXT' }] })
    expect((await resolver.resolveTxt('large.example.test'))[0]?.join('')).toHaveLength(2040)
  })

  test('answers several queries on one connection in their order', async () => {
    const names = ['www', 'alias', 'nothing'].map((name) => `${name}.example.test`)
    const answers = await askByTcp(at, ...names.map((name) => query(name, 'A')))
    expect(answers.map(({ questions }) => questions[0]?.name)).toEqual(names)
  })
})

describe('EDNS', () => {
  test('answers with EDNS if the query has it', async () => {
    expect((await ask(at, 'www.example.test', 'A')).additionals).toEqual([])
    const { additionals } = await ask(at, 'www.example.test', 'A', { size: 4096 })
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0 }])
  })

  test('BADVERS for another version (RFC 6891 section 6.1.3)', async () => {
    const answer = await ask(at, 'www.example.test', 'A', { size: 1232, version: 1 })
    expect(answer).toMatchObject({ rcode: 'NOERROR', additionals: [{ extendedRcode: 1 }], answers: [] })
  })
})

describe('transfers', () => {
  test('gives a zone to the addresses that may have it', async () => {
    const [answer] = await askByTcp(at, query('example.test', 'AXFR'))
    const types = answer?.answers.map(({ type }) => type) ?? []
    expect([types[0], types.at(-1)]).toEqual(['SOA', 'SOA'])
    expect(types).toContain('UNKNOWN_4711')
  })

  test('refuses them by UDP and for other zones', async () => {
    expect(await ask(at, 'example.test', 'AXFR')).toMatchObject({ rcode: 'REFUSED' })
    expect(await askByTcp(at, query('www.example.test', 'AXFR'))).toMatchObject([{ rcode: 'REFUSED' }])
  })

  test('refuses them by default', async () => {
    await using other = await startLab({ virtualServers: [{ protocol: 'smtp', port: 0 }], dns: { port: 0 } })
    expect(await askByTcp(other.dns.endpoint, query('lab.test', 'AXFR'))).toMatchObject([{ rcode: 'REFUSED' }])
  })
})

describe('bad messages', () => {
  test('NOTIMP for other operations', async () => {
    expect(await ask(at, 'www.example.test', 'A', { opcode: 4 })).toMatchObject({ rcode: 'NOTIMP', opcode: 'NOTIFY' })
  })

  test('FORMERR for two questions, for none and for a damaged one', async () => {
    const good = query('www.example.test', 'A')
    const two = Buffer.concat([good, good.subarray(12)])
    two.writeUInt16BE(2, 4)
    const none = good.subarray(0, 12)
    const damaged = Buffer.from(good)
    damaged.writeUInt8(0xc0, 12)
    for (const octets of [two, none, damaged, good.subarray(0, -3)]) {
      expect((await exchange(at, octets)).readUInt16BE(2) & 0xf).toBe(1)
    }
  })

  test('FORMERR for more than a query needs, without reading it', async () => {
    const plain = query('www.example.test', 'A')
    const opt = query('', 'A', { size: 1232 }).subarray(-11)
    /** Returns a record of the root with a type and data. */
    const recordOf = (type: number, data: Buffer): Buffer => {
      const fixed = Buffer.from([0, 0, type, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 0xff])
      return Buffer.concat([fixed, data])
    }
    const soa = recordOf(6, Buffer.alloc(22))
    // Takes long to read: all types of 100 windows.
    const windows = Array.from({ length: 100 }, (_, window) => Buffer.from([window, 32, ...Array(32).fill(0xff)]))
    const nsec = recordOf(47, Buffer.concat([Buffer.alloc(1), ...windows]))
    const tsig = recordOf(250, Buffer.alloc(40))
    /** Returns a query whose header counts records of a section. */
    const withRecords = (type: string, section: number, count: number, record: Buffer): Buffer => {
      const octets = Buffer.concat([query('example.test', type), ...Array.from({ length: count }, () => record)])
      octets.writeUInt16BE(count, section)
      return octets
    }
    const long = Buffer.concat([plain, Buffer.alloc(4096)])
    const bad = [
      withRecords('A', 6, 1, opt),
      withRecords('A', 8, 1, soa),
      withRecords('IXFR', 8, 2, soa),
      withRecords('IXFR', 8, 1, nsec),
      withRecords('A', 10, 3, tsig),
      withRecords('A', 10, 1, nsec),
      withRecords('A', 10, 1, soa),
    ]
    for (const octets of [pointerBomb(), long, ...bad]) {
      expect((await exchange(at, octets)).readUInt16BE(2) & 0xf).toBe(1)
    }
    for (const octets of [withRecords('IXFR', 8, 1, soa), withRecords('A', 10, 1, tsig)]) {
      expect((await exchange(at, octets)).readUInt16BE(2) & 0xf).not.toBe(1)
    }
  })

  test('does not answer responses and fragments of headers, and survives everything', async () => {
    const response = query('www.example.test', 'A', { flags: 0x8000 })
    const seed = Buffer.from(query('www.example.test', 'A', { size: 1232, flags: AD }))
    const mutants = Array.from({ length: 300 }, (_, index) => {
      const octets = Buffer.from(seed)
      octets.writeUInt8((index * 37) & 0xff, (index * 7) % octets.length)
      return octets.subarray(0, 1 + ((index * 13) % octets.length))
    })
    const { createSocket } = await import('node:dgram')
    const socket = createSocket('udp4')
    for (const octets of [response, Buffer.alloc(5), ...mutants]) socket.send(octets, at.port, at.address)
    await askByTcp(at, ...mutants.slice(0, 50))
    expect(await resolver.resolve4('www.example.test')).toEqual(['127.0.0.1'])
    socket.close()
    expect(lab.dns.queries()[0]).toMatchObject({
      name: 'www.example.test',
      type: 'A',
      rcode: 'NOERROR',
      protocol: 'udp',
    })
  })
})
