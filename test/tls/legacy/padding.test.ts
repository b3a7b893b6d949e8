import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { protections, type SecurityParameters } from '../../../src/tls/legacy/key-schedule.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import {
  bulkCiphers,
  highestVersionOf,
  type LegacySuite,
  type LegacyVersion,
  legacySuites,
  legacyVersions,
} from '../../../src/tls/legacy/suites.ts'
import { isLong } from '../../support/long.ts'
import { some } from '../../support/thorough.ts'
import { type CbcFault, CbcWriter, cbcFaults, MAX_PADDING_OCTETS } from './cbc-writer.ts'
import { LegacyClient } from './client.ts'
import { startOldEcho } from './server.ts'

const versions = Object.keys(legacyVersions) as LegacyVersion[]
const faults = Object.keys(cbcFaults) as CbcFault[]

/** Each CBC suite with each version that may use it. */
const combinations = legacySuites
  .filter(({ cipher }) => bulkCiphers[cipher].blockOctets > 0)
  .flatMap((suite) =>
    versions
      .filter((version) => legacyVersions[version] <= legacyVersions[highestVersionOf(suite)])
      .map((version) => ({ suite, version, name: `${suite.name} in ${version}` })),
  )

/** Whether a fault is one. SSL 3.0 defines the padding's length, and not its content (RFC 6101 section 5.2.3.2). */
function isFault(fault: CbcFault | undefined, paddingOctets: number, version: LegacyVersion, blockOctets: number) {
  if (version === 'SSLv3' && paddingOctets >= blockOctets) return true
  if (fault === undefined) return false
  if (fault === 'the length of the padding') return paddingOctets < MAX_PADDING_OCTETS
  const concernsPadding = /^the (first octet|octet before the length) of the padding$/.test(fault)
  // Without padding, these faults change its length, or the MAC.
  return version !== 'SSLv3' || !concernsPadding || paddingOctets === 0
}

function parametersOf(suite: LegacySuite, version: LegacyVersion): SecurityParameters {
  return { suite, version, master: randomBytes(48), randoms: { client: randomBytes(32), server: randomBytes(32) } }
}

describe('a record is refused for every length of its padding and every fault, and accepted without one', () => {
  it.each(some(combinations, 12))('$name', ({ suite, version }) => {
    const parameters = parametersOf(suite, version)
    const writer = new CbcWriter(parameters)
    const { input } = protections(parameters, 'server')
    for (const fault of [undefined, ...faults]) {
      for (let padding = 0; padding <= MAX_PADDING_OCTETS; padding++) {
        const { content, fragment } = writer.record(padding, fault)
        const opened = input.open(contentTypes.applicationData, fragment)
        const expected = isFault(fault, padding, version, writer.blockOctets) ? undefined : content
        expect([fault, padding, opened]).toEqual([fault, padding, expected])
      }
    }
  })
})

/** Sends a record after a handshake. Returns everything that the server then sends: its alert, and the number of octets. */
async function answerTo(port: number, suite: LegacySuite, version: LegacyVersion, padding: number, fault: CbcFault) {
  const client = LegacyClient.connect(port, { suites: [suite.id], version: legacyVersions[version] })
  const { raw } = client.transport
  let lastBlock = Buffer.alloc(0)
  const write = raw.write.bind(raw)
  raw.write = ((chunk: Buffer, ...rest: []) => {
    lastBlock = Buffer.from(chunk.subarray(-bulkCiphers[suite.cipher].blockOctets))
    return write(chunk, ...rest)
  }) as typeof raw.write
  const { parameters } = await client.handshake()
  await client.expectText('hello\r\n')
  let octets = 0
  raw.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  const { fragment } = new CbcWriter(parameters, lastBlock).record(padding, fault)
  client.transport.output = { splitsFirstOctet: false, seal: () => fragment, open: () => undefined }
  client.send('x')
  const failure = await client.expectText('never').catch((error: Error) => error.message)
  client.destroy()
  return `${String(failure).replace(/^.*alert /, '')}, ${octets} octets`
}

/** Short and long paddings; the long form sends every length. */
function paddingsFor(blockOctets: number): readonly number[] {
  if (isLong) return Array.from({ length: MAX_PADDING_OCTETS + 1 }, (_, padding) => padding)
  return [0, blockOctets - 1, MAX_PADDING_OCTETS]
}

describe('a client cannot tell faults apart (Lucky Thirteen)', () => {
  // Every block size and MAC in each version. The lengths of all suites are above.
  const ciphers = new Set(['aes-128', '3des', 'rc2-40'])
  const chosen = combinations.filter(({ suite }) => ciphers.has(suite.cipher) && suite.exchange.startsWith('rsa'))
  it.each(some(chosen, 6))('$name', { timeout: isLong ? 300_000 : 60_000 }, async ({ suite, version }) => {
    const { blockOctets } = bulkCiphers[suite.cipher]
    await using echo = await startOldEcho()
    const answers = new Set<string>()
    for (const padding of paddingsFor(blockOctets)) {
      for (const fault of faults) {
        if (!isFault(fault, padding, version, blockOctets)) continue
        answers.add(await answerTo(echo.server.tlsPort as number, suite, version, padding, fault))
      }
    }
    expect([...answers]).toEqual([expect.stringMatching(/^bad_record_mac, \d+ octets$/)])
  })
})
