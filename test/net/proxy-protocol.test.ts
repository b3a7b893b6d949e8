import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { LabInput } from '../../src/core/config/schema.ts'
import { describeTranscript } from '../../src/core/sessions/describe.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { LineClient } from '../support/line-client.ts'
import { binaryHeader, extension, ipv4Content, ipv6Content } from '../support/proxy-header.ts'

type Server = NonNullable<LabInput['virtualServers']>[number]

/** Starts a lab whose SMTP virtual server takes loopback addresses for proxies. */
const startSmtp = (server: Partial<Server> = {}): Promise<TestLab> =>
  startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'smtp', proxyProtocol: { from: ['127.0.0.0/8'] }, ...server } as Server],
  })

const portOf = (lab: TestLab, name = 'smtp'): number => lab.server(name).port as number

/** Returns the session of a lab that only had one, once it has ended. */
async function onlySession(lab: TestLab) {
  await expect.poll(() => lab.sessions()[0]?.endedAt).toBeDefined()
  expect(lab.sessions()).toHaveLength(1)
  return lab.sessions()[0] as NonNullable<ReturnType<TestLab['sessions']>[number]>
}

/** Sends octets to a virtual server, and reads until it closes the connection. */
async function exchange(port: number, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let received = ''
  socket.setEncoding('latin1').on('data', (text) => {
    received += text
  })
  socket.on('error', () => {})
  // The server may close or reset the connection before everything is sent.
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const piece of pieces) await new Promise<void>((sent) => socket.write(piece as string, 'latin1', () => sent()))
  await closed
  return received
}

const LINE = 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 25\r\n'
const SAY = 'EHLO client.test\r\nQUIT\r\n'

const headers: Readonly<Record<string, readonly [Buffer | string, string]>> = {
  'TCP4 of version 1': [LINE, '203.0.113.7'],
  'TCP6 of version 1': ['PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n', '2001:db8::7'],
  'IPv4 of version 2': [binaryHeader(), '203.0.113.7'],
  'IPv6 of version 2': [binaryHeader({ family: 0x21, content: ipv6Content() }), '2001:db8::7'],
  'unknown extensions': [
    binaryHeader({ content: ipv4Content(extension(0xea, 'vpce-1'), extension(4, Buffer.alloc(500))) }),
    '203.0.113.7',
  ],
}

describe('a PROXY header from a listed address', () => {
  for (const [what, [header, address]] of Object.entries(headers)) {
    it(`names the client: ${what}, with the first command in the same segment`, async () => {
      await using lab = await startSmtp()
      const replies = await exchange(portOf(lab), Buffer.concat([Buffer.from(header as string), Buffer.from(SAY)]))
      expect(replies).toContain(`greets [${address}]`)
      const session = await onlySession(lab)
      expect(session).toMatchObject({
        remoteAddress: address,
        remotePort: 4711,
        proxy: { address: '127.0.0.1' },
        localAddress: '127.0.0.1',
        refusals: [],
        endCause: 'server closed',
      })
      expect(describeTranscript(session)[0]).toContain(`from ${address} port 4711 by the proxy 127.0.0.1`)
    })

    it(`arrives octet by octet: ${what}`, async () => {
      await using lab = await startSmtp()
      const octets = [...Buffer.from(header as string)].map((octet) => Buffer.of(octet))
      // The client waits for the greeting, as clients of SMTP do.
      const client = await LineClient.open(portOf(lab))
      for (const octet of octets) {
        client.send(octet)
        await new Promise((turn) => setImmediate(turn))
      }
      expect(await client.line()).toMatch(/^220 /)
      client.send(SAY)
      expect((await client.rest()).join('\n')).toContain(`greets [${address}]`)
      expect((await onlySession(lab)).refusals).toEqual([])
    })
  }

  it('is followed by a client that has closed its side already', async () => {
    await using lab = await startSmtp()
    const socket = connect({ port: portOf(lab), host: '127.0.0.1', allowHalfOpen: true })
    let received = ''
    socket.on('data', (octets) => {
      received += octets
    })
    socket.end(LINE + SAY)
    await once(socket, 'close')
    expect(received).toContain('greets [203.0.113.7]')
    expect(received).toContain('\r\n221 ')
  })

  it('is in Received fields', async () => {
    await using lab = await startSmtp()
    await exchange(
      portOf(lab),
      `${LINE}EHLO client.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\n`,
      'Subject: proxied\r\n\r\nHello\r\n.\r\nQUIT\r\n',
    )
    const [mail] = await lab.messages()
    expect(String(mail?.raw)).toContain('Received: from client.test ([203.0.113.7])')
    expect(mail?.session).toMatchObject({ remoteAddress: '203.0.113.7' })
  })

  it('names itself in notes: server name, protocol and TLS between client and proxy', async () => {
    await using lab = await startSmtp({ requireSecureChannel: true })
    const ssl = Buffer.concat([
      Buffer.of(1, 0, 0, 0, 0),
      extension(0x21, 'TLSv1.3'),
      extension(0x22, 'alice'),
      extension(0x23, 'TLS_AES_256_GCM_SHA384'),
    ])
    const content = ipv4Content(extension(1, 'smtp'), extension(2, 'mail.lab.test'), extension(0x20, ssl))
    const replies = await exchange(
      portOf(lab),
      Buffer.concat([binaryHeader({ content }), Buffer.from('EHLO c.test\r\nMAIL FROM:<a@x.test>\r\nQUIT\r\n')]),
    )
    // TLS ends at the proxy, which is trusted.
    expect(replies).toMatch(/^250 2\.1\.0 /m)
    const text = describeTranscript(await onlySession(lab)).join('\n')
    expect(text).toContain('the client and the proxy agreed on the protocol (ALPN) smtp')
    expect(text).toContain('the client asked the proxy for the server name mail.lab.test')
    expect(text).toContain(
      'the client and the proxy use TLS (TLSv1.3, TLS_AES_256_GCM_SHA384); client certificate alice, verified by the proxy',
    )
  })

  it('does not make a channel secure without TLS at the proxy', async () => {
    await using lab = await startSmtp({ requireSecureChannel: true })
    const content = ipv4Content(extension(0x20, Buffer.of(0, 0, 0, 0, 0)))
    const replies = await exchange(
      portOf(lab),
      Buffer.concat([binaryHeader({ content }), Buffer.from('EHLO c.test\r\nMAIL FROM:<a@x.test>\r\nQUIT\r\n')]),
    )
    expect(replies).toMatch(/^530 5\.7\.0 /m)
  })

  it('is accepted with the right checksum only', async () => {
    // Sent by HAProxy 3.0 with send-proxy-v2 proxy-v2-options crc32c,unique-id.
    const header = Buffer.from('0d0a0d0a000d0a515549540a211100167f0000017f000001997a4dbd0300044bd82055050000', 'hex')
    await using lab = await startSmtp()
    expect(await exchange(portOf(lab), header, SAY)).toContain('greets [127.0.0.1]')
    header.writeUInt16BE(4711, 24)
    expect(await exchange(portOf(lab), header, SAY)).toBe('')
    expect(lab.sessions()[1]?.refusals.join()).toContain(
      'its checksum (CRC32C) is wrong: something changed the header on its way',
    )
  })
})

describe('a PROXY header without a client', () => {
  const own: Readonly<Record<string, Buffer | string>> = {
    'UNKNOWN of version 1': 'PROXY UNKNOWN\r\n',
    'UNKNOWN with addresses': 'PROXY UNKNOWN ffff:f::1 ffff:f::2 65535 65535\r\n',
    'LOCAL of version 2': binaryHeader({ command: 0, family: 0, content: Buffer.alloc(0) }),
    'LOCAL with an address': binaryHeader({ command: 0 }),
    'an unspecified family': binaryHeader({ family: 0, content: Buffer.alloc(20) }),
    'a UNIX socket': binaryHeader({ family: 0x31, content: Buffer.alloc(216) }),
  }
  for (const [what, header] of Object.entries(own)) {
    it(`keeps the address of the proxy: ${what}`, async () => {
      await using lab = await startSmtp()
      const replies = await exchange(portOf(lab), Buffer.concat([Buffer.from(header as string), Buffer.from(SAY)]))
      expect(replies).toContain('greets [127.0.0.1]')
      const session = await onlySession(lab)
      expect(session).toMatchObject({ remoteAddress: '127.0.0.1', refusals: [] })
      expect(session.proxy).toBeUndefined()
    })
  }

  it('leaves no session behind if the proxy only checks the port', async () => {
    await using lab = await startSmtp()
    for (const header of [own['LOCAL of version 2'], own['UNKNOWN of version 1']]) {
      const client = await LineClient.open(portOf(lab))
      client.send(header as string)
      expect(await client.line()).toMatch(/^220 /)
      client.end()
      await client.rest()
    }
    const silent = await LineClient.open(portOf(lab))
    silent.end()
    await silent.rest()
    await exchange(portOf(lab), LINE + SAY)
    expect((await onlySession(lab)).remoteAddress).toBe('203.0.113.7')
  })
})

const malformed: Readonly<Record<string, readonly [Buffer | string, RegExp]>> = {
  'an unknown family': ['PROXY UDP4 203.0.113.7 192.0.2.1 4711 25\r\n', /“PROXY UDP4 203\.0\.113\.7 [^”]*” is neither/],
  'an address of another family': ['PROXY TCP4 2001:db8::7 192.0.2.1 4711 25\r\n', /is neither/],
  'an IPv4 address in TCP6': ['PROXY TCP6 203.0.113.7 192.0.2.1 4711 25\r\n', /is neither/],
  'an address with a zone': ['PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 25\r\n', /is neither/],
  'a leading zero': ['PROXY TCP4 203.0.113.007 192.0.2.1 4711 25\r\n', /is neither/],
  'a port with a leading zero': ['PROXY TCP4 203.0.113.7 192.0.2.1 04711 25\r\n', /is neither/],
  'a port that is too large': ['PROXY TCP4 203.0.113.7 192.0.2.1 65536 25\r\n', /is neither/],
  'a port that is missing': ['PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n', /is neither/],
  'two spaces': ['PROXY  TCP4 203.0.113.7 192.0.2.1 4711 25\r\n', /is neither/],
  'small letters': ['PROXY tcp4 203.0.113.7 192.0.2.1 4711 25\r\n', /is neither/],
  'control characters, which are not shown': ['PROXY TCP4 \x1b[31m\r\n', /“PROXY TCP4 \?\[31m” is neither/],
  'a line end without CR': ['PROXY TCP4 203.0.113.7 192.0.2.1 4711 25\n', /ends with LF instead of CRLF/],
  'a line of 108 octets': [`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, /its line is longer than 107 octets/],
  'a line without an end': [`PROXY UNKNOWN ${'x'.repeat(93)}`, /its line is longer than 107 octets/],
  'version 3': [binaryHeader({ version: 3 }), /it has the version 3 instead of 2/],
  'an unknown command': [binaryHeader({ command: 2 }), /the command 2 does not exist/],
  UDP: [binaryHeader({ family: 0x12 }), /transport 0x12 cannot be those of a TCP connection/],
  'a family without a transport': [binaryHeader({ family: 0x10 }), /transport 0x10 cannot be/],
  'addresses that are cut off': [
    binaryHeader({ content: ipv4Content().subarray(0, 11) }),
    /it has 11 octets; the addresses of TCP over IPv4 need 12/,
  ],
  'IPv6 with the addresses of IPv4': [binaryHeader({ family: 0x21 }), /it has 12 octets; .* IPv6 need 36/],
  'a header that is too long': [
    binaryHeader({ announcedOctets: 65_535 }),
    /it announces 65535 octets, more than 16384/,
  ],
  'an extension that is cut off': [
    binaryHeader({ content: ipv4Content(Buffer.of(2, 0, 10, 65)) }),
    /an extension \(TLV\) is longer than the header/,
  ],
  'half the head of an extension': [
    binaryHeader({ content: ipv4Content(Buffer.of(2, 0)) }),
    /an extension \(TLV\) is longer than the header/,
  ],
  'a checksum of three octets': [
    binaryHeader({ content: ipv4Content(extension(3, Buffer.alloc(3))) }),
    /its checksum \(CRC32C\) has 3 octets instead of 4/,
  ],
  'a description of TLS that is cut off': [
    binaryHeader({ content: ipv4Content(extension(0x20, Buffer.of(1, 0))) }),
    /its description of TLS \(PP2_TYPE_SSL\) is too short/,
  ],
}

describe('a listed proxy that does not keep to the protocol', () => {
  for (const [what, [octets, why]] of Object.entries(malformed)) {
    it(`is refused, with the reason: ${what}`, async () => {
      await using lab = await startSmtp()
      expect(
        await exchange(portOf(lab), Buffer.concat([Buffer.from(octets as string, 'latin1'), Buffer.from(SAY)])),
      ).toBe('')
      const session = await onlySession(lab)
      expect(session.remoteAddress).toBe('127.0.0.1')
      expect(session.refusals.join()).toMatch(why)
      expect(session.refusals.join()).toMatch(
        /^the proxy 127\.0\.0\.1 sent a malformed PROXY header, .*: look at the settings of the proxy, and at what is between it and this lab$/s,
      )
    })
  }

  it('accepts a line of 107 octets', async () => {
    await using lab = await startSmtp()
    expect(await exchange(portOf(lab), `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`, SAY)).toContain('greets [127.0.0.1]')
  })

  it('is refused without a header, and told how to send one', async () => {
    await using lab = await startSmtp()
    expect(await exchange(portOf(lab), SAY)).toBe('')
    expect((await onlySession(lab)).refusals).toEqual([
      'the proxy 127.0.0.1 sent no PROXY header, but “EHLO”: let it send one (HAProxy: send-proxy-v2; nginx: proxy_protocol on), or remove its address from proxyProtocol.from of this virtual server',
    ])
  })

  it.each([
    ['nothing', '', '50ms', 'the proxy 127.0.0.1 sent no PROXY header within 0.05 s (proxyProtocol.timeout)'],
    // Long enough for the part to arrive.
    [
      'a part',
      'PROXY TCP4 203.0',
      '3s',
      'the proxy 127.0.0.1 did not finish its PROXY header within 3 s (proxyProtocol.timeout)',
    ],
  ])('is refused if it only sends %s in time', async (_, part, timeout, why) => {
    await using lab = await startSmtp({ proxyProtocol: { from: ['127.0.0.1'], timeout } })
    expect(await exchange(portOf(lab), part)).toBe('')
    expect((await onlySession(lab)).refusals.join().replace(/: .*/, '')).toBe(why)
  })

  it('is refused if it closes the connection in the middle of a header', async () => {
    await using lab = await startSmtp()
    const client = await LineClient.open(portOf(lab))
    client.send(binaryHeader().subarray(0, 20))
    client.end()
    expect(await client.rest()).toEqual([])
    expect((await onlySession(lab)).refusals.join()).toMatch(/closed the connection in the middle of its PROXY header/)
  })

  it('cannot hold more connections than the virtual server has, nor the lab back when it stops', async () => {
    await using lab = await startSmtp({ limits: { connections: 2 } })
    const silent = [await LineClient.open(portOf(lab)), await LineClient.open(portOf(lab))]
    expect(await exchange(portOf(lab))).toBe('')
    expect(lab.sessions()[0]?.refusals).toEqual([
      '2 PROXY headers or TLS handshakes are in progress, which is the connection limit',
    ])
    await lab.stop()
    for (const client of silent) expect(await client.rest()).toEqual([])
  })
})

describe('a PROXY header from an address that is not listed', () => {
  const servers: readonly Server[] = [
    { protocol: 'smtp', name: 'other addresses', proxyProtocol: { from: ['10.0.0.1', '2001:db8::/32'] } },
    { protocol: 'smtp', name: 'no proxies' },
    { protocol: 'imap4', name: 'imap4' },
    { protocol: 'http', name: 'http' },
  ]
  const ports = ['other addresses', 'no proxies', 'imap4', 'http', 'imap4 TLS', 'http TLS']
  it.each(ports)('is not believed, and explained: %s', async (port) => {
    await using lab = await startLab({ virtualServers: [...servers] })
    const { port: clear, tlsPort } = lab.server(port.replace(' TLS', ''))
    for (const header of [LINE, binaryHeader()]) {
      await exchange((port.endsWith(' TLS') ? tlsPort : clear) as number, header)
    }
    await expect.poll(() => lab.sessions().map(({ endedAt }) => endedAt !== undefined)).toEqual([true, true])
    for (const { remoteAddress, proxy, refusals } of lab.sessions()) {
      expect([remoteAddress, proxy]).toEqual(['127.0.0.1', undefined])
      expect(refusals.join()).toContain(
        'the client sent a PROXY protocol header, and its address is not in proxyProtocol.from of this virtual server',
      )
    }
  })

  it('changes nothing for clients that connect directly', async () => {
    await using lab = await startSmtp({ proxyProtocol: { from: ['10.0.0.1'] } })
    expect(await exchange(portOf(lab), SAY)).toContain('greets [127.0.0.1]')
    expect((await onlySession(lab)).refusals).toEqual([])
  })
})

describe('limits behind a proxy', () => {
  const from = (address: string): string => `PROXY TCP4 ${address} 192.0.2.1 4711 25\r\n`

  it('count connections by the address of the client', async () => {
    await using lab = await startSmtp({ limits: { connectionsPerAddress: 1 } })
    const first = await LineClient.open(portOf(lab))
    first.send(from('203.0.113.7'))
    expect(await first.line()).toMatch(/^220 /)
    const second = await LineClient.open(portOf(lab))
    second.send(from('203.0.113.7'))
    expect(await second.line()).toMatch(/^421 /)
    const other = await LineClient.open(portOf(lab))
    other.send(from('203.0.113.8'))
    expect(await other.line()).toMatch(/^220 /)
    for (const client of [first, second, other]) client.destroy()
  })

  it('count the rate of connections by the address of the client', async () => {
    await using lab = await startSmtp({ limits: { rate: { connections: 1, per: '1h' } } })
    const greetings = []
    for (const address of ['203.0.113.7', '203.0.113.7', '203.0.113.8'])
      greetings.push((await exchange(portOf(lab), `${from(address)}QUIT\r\n`)).slice(0, 3))
    expect(greetings).toEqual(['220', '421', '220'])
  })

  it('delay failed log-ons by the address of the client', async () => {
    await using lab = await startSmtp({ limits: { failedLogonDelay: '10ms' } })
    const tries = 'EHLO c.test\r\nAUTH PLAIN AG5vYm9keQBu\r\nQUIT\r\n'
    for (const address of ['203.0.113.7', '203.0.113.7', '203.0.113.8'])
      await exchange(portOf(lab), from(address) + tries)
    await expect.poll(() => lab.sessions().every(({ endedAt }) => endedAt !== undefined)).toBe(true)
    const delays = lab.sessions().map((one) => /delayed by (\d+) ms/.exec(describeTranscript(one).join())?.[1])
    expect(delays).toEqual(['10', '20', '10'])
  })

  it.each([
    ['127.0.0.1', [undefined, undefined, undefined]],
    ['0.0.0.0', ['1000', undefined, undefined]],
  ])('failedLogonDelay: auto delays clients on other machines only, in a lab on %s', async (address, expected) => {
    const limits = { failedLogonDelay: 'auto' as const }
    await using lab = await startSmtp({ address, limits })
    const tries = 'EHLO c.test\r\nAUTH PLAIN AG5vYm9keQBu\r\nQUIT\r\n'
    for (const client of ['TCP4 203.0.113.7 192.0.2.1', 'TCP4 127.0.0.1 192.0.2.1', 'TCP6 ::1 2001:db8::1'])
      await exchange(portOf(lab), `PROXY ${client} 4711 25\r\n${tries}`)
    await expect.poll(() => lab.sessions().every(({ endedAt }) => endedAt !== undefined)).toBe(true)
    expect(lab.sessions().map((one) => /delayed by (\d+) ms/.exec(describeTranscript(one).join())?.[1])).toEqual(
      expected,
    )
  })
})
