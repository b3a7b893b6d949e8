import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Protocol } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'
import { Workplace } from '../../support/sealpost.ts'
import { type CapturedPort, Tshark } from './tshark.ts'

const protocols: readonly Protocol[] = ['smtp', 'pop3', 'imap4', 'nntp']
const PASSWORD = 'pw7Qx9-geheim'
const accounts = [{ user: 'alice', password: PASSWORD }]
const plain = Buffer.from(`\0alice\0${PASSWORD}`).toString('base64')

/** How a client asks for TLS and logs on, and how Wireshark shows the log-on. */
interface Talk {
  readonly hello?: string
  readonly startTls: string
  readonly logOn: readonly string[]
  readonly quit: string
  readonly shown: RegExp
}

const talks: Readonly<Record<Protocol, Talk>> = {
  smtp: {
    hello: 'EHLO x',
    startTls: 'STARTTLS',
    logOn: [`AUTH PLAIN ${plain}`],
    quit: 'QUIT',
    shown: /C: AUTH PLAIN/,
  },
  pop3: {
    startTls: 'STLS',
    logOn: ['USER alice', `PASS ${PASSWORD}`],
    quit: 'QUIT',
    shown: new RegExp(`C: PASS ${PASSWORD}`),
  },
  imap4: {
    startTls: 's STARTTLS',
    logOn: [`a LOGIN alice ${PASSWORD}`],
    quit: 'b LOGOUT',
    shown: new RegExp(`Request: a LOGIN alice ${PASSWORD}`),
  },
  nntp: {
    startTls: 'STARTTLS',
    logOn: ['AUTHINFO USER alice', `AUTHINFO PASS ${PASSWORD}`],
    quit: 'QUIT',
    shown: new RegExp(`Request: AUTHINFO PASS ${PASSWORD}`),
  },
}

type Form = 'clear' | 'STARTTLS' | 'implicit TLS'

/** The protocols that tshark decodes. NNTP on its TLS port is searched in the stream instead. */
const decoded = (form: Form): readonly Protocol[] =>
  form === 'implicit TLS' ? protocols.filter((protocol) => protocol !== 'nntp') : protocols
const NNTP_STREAM = protocols.indexOf('nntp')

/** Reads the whole reply to the last command. */
async function reply(client: LineClient): Promise<void> {
  await client.lines((line) => !/^(?:\d{3}-|\* )/.test(line))
}

/** Runs one session with a log-on. */
async function talk(protocol: Protocol, port: number, form: Form, ca: string): Promise<void> {
  const { hello, startTls, logOn, quit } = talks[protocol]
  const client = form === 'implicit TLS' ? await LineClient.openTls(port, ca) : await LineClient.open(port)
  await client.line()
  const say = async (command: string): Promise<void> => {
    client.send(`${command}\r\n`)
    await reply(client)
  }
  if (hello) await say(hello)
  if (form === 'STARTTLS') {
    await say(startTls)
    await client.startTls(ca)
    if (hello) await say(hello)
  }
  for (const command of logOn) await say(command)
  client.send(`${quit}\r\n`)
  await client.rest()
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-captured-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Runs a capturing lab of four protocols, and one session per protocol in the given form. */
async function captured(form: Form, secrets: boolean): Promise<{ shark: Tshark; file: string }> {
  const file = join(folder, 'lab.pcapng')
  const ports: CapturedPort[] = []
  {
    await using lab = await startLab({
      directory: { accounts },
      testing: { packets: { file, secrets } },
      virtualServers: protocols.map((protocol) => ({ protocol, port: 0, tlsPort: 0 })),
    })
    for (const protocol of protocols) {
      const implicitTls = form === 'implicit TLS'
      const server = lab.server(protocol)
      const port = implicitTls ? server.tlsPort : server.port
      await talk(protocol, port, form, lab.ca)
      ports.push({ protocol, port, implicitTls })
    }
  }
  return { shark: new Tshark(file, ports), file }
}

describe.skipIf(!needs('tshark'))('a capture of all four protocols read by tshark', () => {
  it('clear text: readable log-ons, no broken frames', async () => {
    const { shark } = await captured('clear', true)
    const lines = await shark.lines('smtp || pop || imap || nntp')
    for (const protocol of protocols) expect(lines).toContainEqual(expect.stringMatching(talks[protocol].shown))
    expect(await shark.lines('tls')).toEqual([])
    expect(await shark.broken()).toEqual([])
  })

  it.each(['STARTTLS', 'implicit TLS'] as const)('%s with secrets: ciphertext that can be decrypted', async (form) => {
    const { shark, file } = await captured(form, true)
    expect((await shark.lines('tls.record.content_type == 23 || tls.record.opaque_type == 23')).length).toBeGreaterThan(
      20,
    )
    const lines = await shark.lines('smtp || pop || imap || nntp')
    for (const protocol of decoded(form)) expect(lines).toContainEqual(expect.stringMatching(talks[protocol].shown))
    expect(await shark.followed(NNTP_STREAM)).toContain(`AUTHINFO PASS ${PASSWORD}`)
    expect(await shark.broken()).toEqual([])
    const octets = await readFile(file)
    expect([octets.includes(PASSWORD), octets.includes(plain)]).toEqual([false, false])
  })

  it.each(['STARTTLS', 'implicit TLS'] as const)('%s without secrets: only ciphertext', async (form) => {
    const { shark, file } = await captured(form, false)
    expect((await shark.lines('tls.record.content_type == 23 || tls.record.opaque_type == 23')).length).toBeGreaterThan(
      20,
    )
    const lines = await shark.lines('smtp || pop || imap || nntp')
    for (const protocol of protocols) expect(lines).not.toContainEqual(expect.stringMatching(talks[protocol].shown))
    expect(await shark.followed(NNTP_STREAM)).not.toContain('AUTHINFO')
    expect(await shark.broken()).toEqual([])
    expect((await readFile(file)).includes('CLIENT_')).toBe(false)
  })

  it('has one stream per connection', async () => {
    const { shark } = await captured('clear', true)
    expect(await shark.lines('tcp.flags.syn == 1 && tcp.flags.ack == 0')).toHaveLength(protocols.length)
    expect(await shark.lines('tcp.flags.fin == 1')).toHaveLength(2 * protocols.length)
  })
})

describe.skipIf(!needs('tshark'))('sealpost start --pcap, and capture: in the configuration', () => {
  const servers =
    'virtualServers: [{ protocol: imap4, port: 0, tlsPort: 0 }, { protocol: pop3, port: 0, tlsPort: 0, packets: pop3.pcapng }]'
  const text = `certificates: certs\ndirectory: { accounts: [{ user: alice, password: ${PASSWORD} }] }\n${servers}\n`

  it.each([
    [[], true],
    [['--no-secrets'], false],
  ])('%j', async (options, readable) => {
    const place = new Workplace()
    place.write('lab.yaml', text)
    const file = join(place.folder, 'all.pcapng')
    const lab = await place.start(['--config', 'lab.yaml', '--pcap', file, ...options])
    const settings = await place.run(['ca', 'export', '--config', 'lab.yaml', '--format', 'pem'])
    const { tlsPort: imap = 0 } = lab.endpoint('imap4')
    const { port: pop = 0 } = lab.endpoint('pop3')
    await talk('imap4', imap, 'implicit TLS', settings.stdout)
    await talk('pop3', pop, 'clear', settings.stdout)
    expect(await lab.end()).toBe(0)
    const ports: CapturedPort[] = [
      { protocol: 'imap4', port: imap, implicitTls: true },
      { protocol: 'pop3', port: pop, implicitTls: false },
    ]
    const all = await new Tshark(file, ports).lines('imap || pop')
    expect(all.some((line) => talks.imap4.shown.test(line))).toBe(readable)
    expect(all).toContainEqual(expect.stringMatching(talks.pop3.shown))
    const own = new Tshark(join(place.folder, 'pop3.pcapng'), ports)
    expect(await own.lines('tcp.flags.syn == 1 && tcp.flags.ack == 0')).toHaveLength(1)
    expect(await own.lines('pop')).toContainEqual(expect.stringMatching(talks.pop3.shown))
  })
})
