import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type LabInput, type TlsDefectName, tlsDefects } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { HEARTBEAT_RECORD } from '../../../src/tls/legacy/heartbeat.ts'
import { keySchedules, protections, type SecurityParameters } from '../../../src/tls/legacy/key-schedule.ts'
import { handshakeTypes } from '../../../src/tls/legacy/messages.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import { legacyVersions } from '../../../src/tls/legacy/suites.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { type ClientOptions, LegacyClient, paddedBlock } from './client.ts'

const TLS12 = legacyVersions['TLSv1.2']
const AES_128 = 0x002f
const DHE_AES_128 = 0x0033
const RC4_40 = 0x0003

/** How a client of ours finds a defect: what it sees on a server without it, and with it. */
interface Probe {
  readonly healthy: string
  readonly defective: string
  readonly see: (port: number) => Promise<string>
}

const probes: Readonly<Record<TlsDefectName, Probe>> = {
  'poodle-tls': {
    healthy: 'bad_record_mac',
    defective: 'accepted',
    see: (port) =>
      withClient(port, {}, async (client) => {
        const { parameters } = await client.handshake()
        await client.expectText('+OK')
        const fragment = recordWithWrongPadding(parameters, 'NONSENSE\r\n')
        client.transport.output = { splitsFirstOctet: false, seal: () => fragment, open: () => undefined }
        client.send('x')
        await client.expectText('-ERR')
        return 'accepted'
      }),
  },
  bleichenbacher: {
    healthy: 'bad_record_mac',
    defective: 'decrypt_error',
    see: (port) => {
      const encryptedBlock: ClientOptions['encryptedBlock'] = (secret, octets) => {
        const block = paddedBlock(secret, octets)
        block[1] = 1
        return block
      }
      return withClient(port, { encryptedBlock }, handshakeOutcome)
    },
  },
  freak: {
    healthy: 'no temporary key',
    defective: 'RSA 512',
    see: (port) => withClient(port, { suites: [AES_128] }, async (client) => temporaryKey(client)),
  },
  logjam: {
    healthy: 'DH 1024',
    defective: 'DH 512',
    see: (port) => withClient(port, { suites: [DHE_AES_128] }, async (client) => temporaryKey(client)),
  },
  'ccs-injection': {
    healthy: 'unexpected_message',
    defective: 'accepted',
    see: (port) => withClient(port, { suites: [AES_128] }, injectChangeCipherSpec),
  },
  heartbleed: {
    healthy: 'unexpected_message',
    defective: 'type 2, 4000 octets of filler',
    see: (port) => withClient(port, { extensions: Buffer.from('000f000101', 'hex') }, askForHeartbeat),
  },
  'no-downgrade-sentinel': {
    healthy: 'DOWNGRD',
    defective: 'random',
    see: (port) =>
      withClient(port, {}, async (client) => {
        const { random } = await client.handshake()
        return random.includes('DOWNGRD') ? 'DOWNGRD' : 'random'
      }),
  },
  'no-fallback-scsv': {
    healthy: 'inappropriate_fallback',
    defective: 'served',
    see: (port) => withClient(port, { suites: [AES_128, 0x5600], version: legacyVersions.TLSv1 }, handshakeOutcome),
  },
  'no-secure-renegotiation': {
    healthy: 'ff01000100',
    defective: '',
    see: (port) =>
      withClient(port, { suites: [AES_128, 0x00ff] }, async (client) => {
        return (await client.handshake()).extensions.toString('hex')
      }),
  },
  downgrade: {
    healthy: 'no answer in TLS 1.2',
    defective: 'TLSv1.2 DOWNGRD\x01',
    see: (port) =>
      // supported_versions: TLS 1.3 and 1.2, with a suite of each. Node.js answers with TLS 1.3, or an alert.
      withClient(port, { suites: [0x1301, AES_128], extensions: TLS13_OFFER }, async (client) => {
        client.sendHello()
        const hello = await client.serverHello().catch(() => undefined)
        if (hello?.suite === undefined) return 'no answer in TLS 1.2'
        return `${hello.version} ${hello.random.subarray(24).toString('latin1')}`
      }),
  },
  'wrong-finished': {
    healthy: 'served',
    defective: 'the server’s Finished is wrong',
    see: (port) => withClient(port, {}, handshakeOutcome),
  },
  'wrong-signature': {
    healthy: 'served',
    defective: 'the signature of the server’s parameters is wrong',
    see: (port) => withClient(port, { suites: [DHE_AES_128] }, handshakeOutcome),
  },
}

/** The extensions of a client of TLS 1.3: supported_versions, signature_algorithms, supported_groups, key_share (X25519). */
const TLS13_OFFER = Buffer.concat([
  Buffer.from(
    '002b0005040304' + '0303' + '000d00080006040108040403' + '000a00040002001d' + '003300260024001d0020',
    'hex',
  ),
  randomBytes(32),
])

const labOf = (tls: object): LabInput => ({ virtualServers: [{ protocol: 'pop3', tls }] })
const HEALTHY = { legacy: ['TLS_RSA_WITH_AES_128_CBC_SHA' as const, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA' as const] }

describe('each defect is visible to a client', () => {
  it.each(Object.entries(probes) as [TlsDefectName, Probe][])('%s', async (defect, { healthy, defective, see }) => {
    await using lab = await startLab({
      virtualServers: [
        { name: 'healthy', protocol: 'pop3', tls: HEALTHY },
        { name: 'defective', protocol: 'pop3', tls: { defect } },
      ],
    })
    expect(await see(lab.server('defective').tlsPort)).toBe(defective)
    // The neighbour in the same process does not have the defect.
    expect(await see(lab.server('healthy').tlsPort)).toBe(healthy)
    const notes = lab
      .sessions()
      .filter(({ virtualServer }) => virtualServer === 'defective')
      .flatMap(({ transcript }) => transcript.map((entry) => (entry.kind === 'note' ? entry.text : '')))
    expect(notes).toContain(`served with the TLS defect ${defect}`)
  })
})

describe('a defect', () => {
  it('leaves clients of TLS 1.3 to Node.js', async () => {
    await using lab = await startLab(labOf({ defect: 'wrong-finished' }))
    const output = await sClient(['-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`, '-tls1_3'], 'QUIT\r\n')
    expect(output).toContain('+OK')
  })

  it('does not accept export suites or old versions that it does not need', async () => {
    await using lab = await startLab(labOf({ defect: 'bleichenbacher' }))
    const { tlsPort } = lab.server('pop3')
    for (const client of [{ suites: [RC4_40] }, { suites: [AES_128], version: legacyVersions.TLSv1 }]) {
      expect(await withClient(tlsPort, client, handshakeOutcome)).toMatch(/handshake_failure|protocol_version/)
    }
  })

  it('may be combined with old clients', async () => {
    await using lab = await startLab(labOf({ legacy: true, defect: 'no-downgrade-sentinel' }))
    const { tlsPort } = lab.server('pop3')
    expect(
      await withClient(tlsPort, { suites: [RC4_40], version: legacyVersions.SSLv3 }, async (client) => {
        const { random, version } = await client.handshake()
        return `${version} ${random.includes('DOWNGRD')}`
      }),
    ).toBe('SSLv3 false')
  })

  it.each(['0.0.0.0', '::', '192.0.2.1'])('is refused on %s', async (address) => {
    const [defect] = Object.keys(tlsDefects) as TlsDefectName[]
    const lab = startLab({ virtualServers: [{ protocol: 'pop3', address, tls: { defect: defect as TlsDefectName } }] })
    await expect(lab).rejects.toThrow(
      `virtualServers[0].tls.defect: poodle-tls is allowed only on a loopback address, and address is ${address}; write address: 127.0.0.1, or remove defect`,
    )
  })

  it('is refused where it has no effect', async () => {
    const tls = { defect: 'freak' } as const
    await expect(startLab({ virtualServers: [{ protocol: 'pop3', certificate: 'none', tls }] })).rejects.toThrow(
      /freak has no effect without TLS/,
    )
    await expect(
      startLab({ virtualServers: [{ protocol: 'pop3', clientCertificates: 'require', tls }] }),
    ).rejects.toThrow(/freak has no effect, because the engine/)
  })
})

describe.skipIf(!needs('openssl'))('openssl refuses a server with', () => {
  it.each<[TlsDefectName, readonly string[], RegExp]>([
    ['freak', ['-tls1_2', '-cipher', 'AES128-SHA'], /unexpected message/],
    ['logjam', ['-tls1_2', '-cipher', 'DHE-RSA-AES128-SHA'], /dh key too small/],
    ['no-secure-renegotiation', ['-tls1_2', '-cipher', 'AES128-SHA'], /unsafe legacy renegotiation disabled/],
    ['downgrade', ['-cipher', 'AES128-SHA'], /inappropriate fallback/],
    ['wrong-finished', ['-tls1_2', '-cipher', 'AES128-SHA'], /digest check failed/],
    ['wrong-signature', ['-tls1_2', '-cipher', 'DHE-RSA-AES128-SHA:@SECLEVEL=0'], /bad signature|padding check failed/],
  ])('%s', async (defect, args, error) => {
    await using lab = await startLab(labOf({ defect }))
    const output = await sClient(['-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`, ...args], 'QUIT\r\n')
    expect(output).toMatch(error)
    expect(output).not.toMatch(/^\+OK/m)
  })
})

/** Runs a step with a client. Returns the step's result, or the alert that the server sent. */
async function withClient(
  port: number,
  options: ClientOptions,
  step: (client: LegacyClient) => Promise<string>,
): Promise<string> {
  const client = LegacyClient.connect(port, { suites: [AES_128], version: TLS12, ...options })
  try {
    return await step(client)
  } catch (error) {
    return (error as Error).message.replace(/^.*the alert /, '').replace(/^.*alert /, '')
  } finally {
    client.destroy()
  }
}

async function handshakeOutcome(client: LegacyClient): Promise<string> {
  await client.handshake()
  await client.expectText('+OK')
  return 'served'
}

/** Returns the kind and length of the temporary key that the server sends, or `no temporary key`. */
async function temporaryKey(client: LegacyClient): Promise<string> {
  client.sendHello()
  const flight = await client.serverFlight().catch((error: Error) => error)
  if (flight instanceof Error) {
    expect(flight.message).toContain(`handshake message ${handshakeTypes.serverKeyExchange} instead of`)
    const body = await client.flow.message(handshakeTypes.serverKeyExchange)
    return `RSA ${body.readUInt16BE(0) * 8}`
  }
  return 'dh' in flight.key ? `DH ${flight.key.dh.prime.length * 8}` : 'no temporary key'
}

/** Sends ChangeCipherSpec first, then ClientKeyExchange under the keys of an empty master secret, and completes the handshake. */
async function injectChangeCipherSpec(client: LegacyClient): Promise<string> {
  client.sendHello()
  const flight = await client.serverFlight()
  const randoms = { client: client.random, server: flight.random }
  const empty = { version: flight.version, suite: flight.suite, master: Buffer.alloc(0), randoms }
  client.transport.write(contentTypes.changeCipherSpec, Buffer.of(1))
  client.transport.output = protections(empty, 'client').output
  const parameters = client.sendKeyExchange(flight)
  client.sendFinished(parameters)
  await client.serverFinished(parameters)
  return 'accepted'
}

/** Asks for 4,000 octets with a heartbeat request that has none. RFC 6520 section 4. */
async function askForHeartbeat(client: LegacyClient): Promise<string> {
  await client.handshake()
  const { transport } = client
  const { input } = transport
  let response: Buffer | undefined
  transport.reader.highestType = HEARTBEAT_RECORD
  transport.input = {
    ...input,
    open(contentType, fragment) {
      const content = input.open(contentType, fragment)
      if (contentType === HEARTBEAT_RECORD) response = content
      return content
    },
  }
  transport.write(HEARTBEAT_RECORD, Buffer.from('010fa0', 'hex'))
  // `take` hides heartbeats, and returns the greeting.
  while (!response) if (!transport.take() && !response) await client.moreInput()
  const [type, octets] = [response[0], response.readUInt16BE(1)]
  const isFiller = /^(heartbleed: this is filler, not memory. )+/.test(response.toString('latin1', 3))
  return `type ${type}, ${octets} octets of ${isFiller ? 'filler' : 'something'}`
}

/** Returns a protected record whose MAC is right and whose padding is not. RFC 5246 section 6.2.3.2. */
function recordWithWrongPadding({ version, master, randoms }: SecurityParameters, text: string): Buffer {
  const block = keySchedules[version].keyBlock(master, randoms, 2 * 20 + 2 * 16)
  const [macKey, key] = [block.subarray(0, 20), block.subarray(40, 56)]
  const content = Buffer.from(text)
  // Sequence number 1: Finished was 0.
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, contentTypes.applicationData, 3, 3, 0, content.length])
  const mac = createHmac('sha1', macKey).update(header).update(content).digest()
  const padding = Buffer.alloc(16 - ((content.length + mac.length) % 16), 0x5a)
  padding[padding.length - 1] = padding.length - 1
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false)
  return Buffer.concat([iv, cipher.update(Buffer.concat([content, mac, padding]))])
}
