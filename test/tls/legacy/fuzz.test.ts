import { describe, expect, it } from 'vitest'
import { legacySuites } from '../../../src/tls/legacy/suites.ts'
import { isLong } from '../../support/long.ts'
import { isThorough } from '../../support/thorough.ts'
import { LegacyClient } from './client.ts'
import { startOldEcho } from './server.ts'

const ROUNDS = isLong ? 400 : isThorough ? 80 : 40
const PARALLEL = 40

/** Returns a generator of pseudo-random numbers, the same in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 0x1_0000_0000) * below)
  }
}

type Mutation = (octets: Buffer, random: (below: number) => number) => Buffer
const mutations: readonly Mutation[] = [
  function flipBit(octets, random) {
    const at = random(octets.length)
    octets[at] = (octets[at] as number) ^ (1 << random(8))
    return octets
  },
  function anyOctet(octets, random) {
    octets[random(octets.length)] = random(256)
    return octets
  },
  function cut(octets, random) {
    return octets.subarray(0, random(octets.length))
  },
  function insert(octets, random) {
    const at = random(octets.length)
    const more = Buffer.from(Array.from({ length: 1 + random(40) }, () => random(256)))
    return Buffer.concat([octets.subarray(0, at), more, octets.subarray(at)])
  },
  function twice(octets) {
    return Buffer.concat([octets, octets])
  },
  function fillEnd(octets, random) {
    return octets.fill(random(256), random(octets.length))
  },
]

/** Mutates the client's n-th write. A handshake writes headers and fragments separately. */
function mangle(client: LegacyClient, nth: number, mutation: Mutation, random: (below: number) => number): void {
  const { raw } = client.transport
  const write = raw.write.bind(raw) as (octets: Buffer, done?: (error?: Error | null) => void) => boolean
  let writes = 0
  raw.write = ((octets: Buffer, done?: (error?: Error | null) => void): boolean => {
    const isMutated = writes++ === nth && octets.length > 0
    return write(isMutated ? mutation(Buffer.from(octets), random) : octets, done)
  }) as typeof raw.write
}

describe('mutated records in a handshake', () => {
  it(`end only their own connection (${ROUNDS} rounds)`, { timeout: 120_000 }, async () => {
    await using echo = await startOldEcho()
    const port = echo.server.tlsPort as number
    using witness = LegacyClient.connect(port)
    await witness.handshake()
    const outcomes: string[] = []
    for (let round = 0; round < ROUNDS; round += PARALLEL) {
      const rounds = Array.from({ length: PARALLEL }, (_, i) => round + i)
      outcomes.push(...(await Promise.all(rounds.map((seed) => mutatedHandshake(port, seed)))))
      witness.send('still here\r\n')
      await witness.expectText('still here\r\n')
    }
    // Mutations reached the engine, and were detected in different places.
    for (const alert of ['bad_record_mac', 'decode_error', 'unexpected_message']) {
      expect(outcomes.filter((outcome) => outcome.endsWith(alert))).not.toEqual([])
    }
    using after = LegacyClient.connect(port)
    await after.handshake()
    after.send('and new\r\n')
    await after.expectText('and new\r\n')
    expect(echo.sessions.list().filter(({ endCause }) => endCause === 'internal error')).toEqual([])
  })
})

async function mutatedHandshake(port: number, seed: number): Promise<string> {
  const random = randomNumbers(seed)
  const suite = legacySuites[seed % legacySuites.length]?.id ?? 0
  const version = 0x0300 + random(2)
  const mutation = mutations[random(mutations.length)] as Mutation
  const client = LegacyClient.connect(port, { suites: [suite], version })
  if (random(4) === 0) {
    client.random.fill(0, 0, 16)
    client.sslv2Hello = true
  }
  mangle(client, random(10), mutation, random)
  return attempt(client)
}

/** Makes the handshake and exchanges a line. The client gives up when the server waits for octets that were cut off. */
async function attempt(client: LegacyClient): Promise<string> {
  const giveUp = setInterval(() => client.transport.raw.end(), 2_000)
  client.transport.raw.on('data', () => giveUp.refresh())
  try {
    await client.handshake()
    client.send('a line\r\n')
    await client.expectText('a line\r\n')
    return 'served'
  } catch (error) {
    return (error as Error).message
  } finally {
    clearInterval(giveUp)
    client.destroy()
  }
}
