import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDirectory } from '../../../../src/accounts/directory/directory.ts'
import type { SaslExchange, SaslStep } from '../../../../src/accounts/directory/sasl/exchange.ts'
import { startSasl } from '../../../../src/accounts/directory/sasl/mechanisms.ts'
import { parseAvPairs } from '../../../../src/accounts/directory/sasl/ntlm/av-pairs.ts'
import {
  answerFlags,
  parseAuthenticate,
  parseNegotiate,
} from '../../../../src/accounts/directory/sasl/ntlm/messages.ts'
import {
  authenticateMessage,
  type ClientLogon,
  FLAG,
  negotiateMessage,
  readChallenge,
} from '../../../support/ntlm-client.ts'

const directory = createDirectory({
  domain: 'lab.test',
  directory: { mode: 'listed', unknown: 'refuse', accounts: [{ user: 'alice', password: 'secret' }] },
})
const negotiate = negotiateMessage()
const KEYS = FLAG.unicode | FLAG.requestTarget | FLAG.ntlm | FLAG.session | FLAG.sign | FLAG.keyExchange
const right: ClientLogon = { user: 'alice', password: 'secret', domain: 'LAB' }

function start(minVersion: 'lm' | 'v2' = 'lm'): SaslExchange {
  const exchange = startSasl('NTLM', { directory, ntlm: { minVersion } })
  if (!exchange) throw new Error('no NTLM')
  return exchange
}

interface Attack {
  readonly logon?: ClientLogon
  /** The NEGOTIATE_MESSAGE that the client sends, and the one that the server gets. */
  readonly asked?: Buffer
  readonly received?: Buffer
  readonly minVersion?: 'lm' | 'v2'
}

/** Returns how the server answers a message that an attacker makes of a client's. */
async function attack(
  change: (message: Buffer, challenge: Buffer) => Buffer,
  { logon = right, asked = negotiate, received, minVersion = 'lm' }: Attack = {},
): Promise<SaslStep> {
  const exchange = start(minVersion)
  const step = await exchange.next(received ?? asked)
  if (step.kind !== 'challenge') return step
  return exchange.next(change(authenticateMessage(asked, step.data, logon), step.data))
}

const same = (message: Buffer): Buffer => message
/** Field positions of AUTHENTICATE_MESSAGE: LM, NT, domain, user, workstation, session key. MS-NLMP section 2.2.1.3. */
const FIELDS = [12, 20, 28, 36, 44, 52]
const runs = { numRuns: Number(process.env.SEALPOST_FUZZ_ROUNDS ?? 300), seed: 823024 }
const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

describe('messages that are too short', () => {
  test('every beginning of a NEGOTIATE_MESSAGE', async () => {
    for (let length = 0; length < 16; length++) {
      expect(await start().next(negotiate.subarray(0, length)), `${length} octets`).toMatchObject({ kind: 'failure' })
    }
    expect(await start().next(negotiate.subarray(0, 16))).toMatchObject({ kind: 'challenge' })
  })

  test('every beginning of an AUTHENTICATE_MESSAGE', async () => {
    const whole = await attack(same)
    expect(whole.kind).toBe('success')
    const exchange = await attack((message) => {
      for (let length = 0; length < message.length; length++) {
        expect(parseAuthenticate(message.subarray(0, length), 0), `${length} octets`).toBeUndefined()
      }
      return message.subarray(0, -1)
    })
    expect(exchange).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })
})

describe('lengths and offsets', () => {
  test.each(FIELDS)('of the field at %d, beyond the message or in its header', async (at) => {
    for (const offset of [0, 1, 51, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]) {
      const step = await attack((message) => {
        message.writeUInt16LE(24, at)
        message.writeUInt32LE(offset, at + 4)
        return message
      })
      expect(step, `offset ${offset}`).toMatchObject({ kind: 'failure' })
    }
    const long = await attack((message) => {
      message.writeUInt16LE(0xffff, at)
      return message
    })
    expect(long).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  test('values that overlap each other and the header behind the flags', async () => {
    const step = await attack((message) => {
      for (const at of FIELDS) {
        message.writeUInt16LE(40, at)
        message.writeUInt32LE(52, at + 4)
      }
      return message
    })
    expect(step).toMatchObject({ kind: 'failure' })
  })

  test('a message of the largest size', async () => {
    const step = await attack((message) => {
      const large = Buffer.concat([message, Buffer.alloc(0xffff, 'A\0')])
      for (const at of [28, 36, 44]) {
        large.writeUInt16LE(0xfffe, at)
        large.writeUInt32LE(message.length, at + 4)
      }
      return large
    })
    expect(step).toMatchObject({ kind: 'failure', reason: 'unknown user name or bad password' })
    expect((step as { note?: string }).note?.length).toBeLessThan(200)
  })

  test('attributes that are longer than their list, or without an end', () => {
    expect(parseAvPairs(Buffer.from('0100ffff', 'hex'))).toBeUndefined()
    expect(parseAvPairs(Buffer.from('010004004100', 'hex'))).toBeUndefined()
    expect(parseAvPairs(Buffer.from('010002004100', 'hex'))?.size).toBe(1)
    expect(parseAvPairs(Buffer.from('09000000', 'hex'))?.size).toBe(1)
    // The first of two counts.
    const twice = parseAvPairs(Buffer.from('01000200410001000200420000000000', 'hex'))
    expect(twice?.get(1)?.toString('utf16le')).toBe('A')
    expect(parseAvPairs(Buffer.alloc(60_000, Buffer.from('0900000009000000', 'hex')))?.size).toBe(1)
  })

  test.each([25, 28, 43])('an NTLMv2 response of %d octets', async (length) => {
    const step = await attack((message) => {
      message.writeUInt16LE(length, 20)
      return message
    })
    expect(step).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  test.each([16, 17])('an NTLMv2 response of another version (octet %d)', async (octet) => {
    const step = await attack((message) => {
      message[message.readUInt32LE(24) + octet] = 2
      return message
    })
    expect(step).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  test.each([28, 36, 44])('half a character in the text at %d', async (at) => {
    const step = await attack((message) => {
      message.writeUInt16LE(message.readUInt16LE(at) - 1, at)
      return message
    })
    expect(step).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  test('attributes whose values have another size than they should', async () => {
    for (const attributes of ['06000000', '0600010002', '06000800ffffffffffffffff', '07000100ff']) {
      const step = await attack(same, { logon: { ...right, attributes: Buffer.from(attributes, 'hex') } })
      expect(step.kind, attributes).toBe('success')
    }
  })
})

describe('the order of messages', () => {
  test.each([
    ['the answer before the question', async () => attackBytes(3)],
    ['the server’s own challenge', async () => attackBytes(2)],
    ['no type', async () => attackBytes(0)],
    ['a type that does not exist', async () => attackBytes(0xffff_ffff)],
  ])('%s', async (_, run) => {
    expect(await run()).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  const attackBytes = (type: number): Promise<SaslStep> | SaslStep => {
    const message = negotiateMessage()
    message.writeUInt32LE(type, 8)
    return start().next(message)
  }

  test.each([1, 2, 4])('a right answer that says it is of type %d', async (type) => {
    const step = await attack((message) => {
      message.writeUInt32LE(type, 8)
      return message
    })
    expect(step).toMatchObject({ kind: 'failure', reason: 'malformed NTLM message' })
  })

  test('a second question', async () => {
    const exchange = start()
    expect((await exchange.next(negotiate)).kind).toBe('challenge')
    expect(await exchange.next(negotiate)).toMatchObject({ kind: 'failure' })
  })

  test('the challenge sent back', async () => {
    expect(await attack((_, challenge) => challenge)).toMatchObject({ kind: 'failure' })
  })

  test('an empty response at each step', async () => {
    expect(await start().next(Buffer.alloc(0))).toMatchObject({ kind: 'failure' })
    expect(await attack(() => Buffer.alloc(0))).toMatchObject({ kind: 'failure' })
  })
})

describe('an attacker between client and server', () => {
  const withMic: ClientLogon = { ...right, mic: true }

  test('changes any bit of a message that has a MIC', async () => {
    const length = (await messageOf(withMic)).length
    for (let bit = 0; bit < length * 8; bit++) {
      const step = await attack(
        (message) => {
          message[bit >> 3] = (message[bit >> 3] as number) ^ (1 << (bit & 7))
          return message
        },
        { logon: withMic, asked: negotiateMessage(KEYS) },
      )
      expect(step.kind, `bit ${bit & 7} of octet ${bit >> 3}`).toBe('failure')
    }
  })

  async function messageOf(logon: ClientLogon): Promise<Buffer> {
    let found = Buffer.alloc(0)
    await attack(
      (message) => {
        found = Buffer.from(message)
        return message
      },
      { logon, asked: negotiateMessage(KEYS) },
    )
    return found
  }

  test('removes flags from the first message', async () => {
    const weaker = negotiateMessage(KEYS & ~FLAG.keyExchange)
    const step = await attack(same, { logon: withMic, asked: negotiateMessage(KEYS), received: weaker })
    expect(step).toMatchObject({ reason: 'the NTLM messages were changed on their way: wrong MIC' })
  })

  test('makes a client use NTLMv1, where the server asks for more', async () => {
    const step = await attack(same, {
      logon: { ...right, version: 'v1' },
      asked: negotiateMessage(FLAG.unicode | FLAG.ntlm),
      minVersion: 'v2',
    })
    expect(step).toMatchObject({ kind: 'failure' })
  })

  test.each(['v1', 'lm'] as const)('shows an NTLM2 session response as %s', async (version) => {
    const step = await attack(
      (message) => {
        message.writeUInt32LE(message.readUInt32LE(60) & ~FLAG.session, 60)
        if (version === 'lm') message.writeUInt16LE(0, 20)
        return message
      },
      { logon: { ...right, version: 'session' } },
    )
    expect(step).toMatchObject({ kind: 'failure' })
  })
})

describe('at random', () => {
  test('octets are answered, never with an exception, never with success', async () => {
    await fc.assert(
      fc.asyncProperty(octets(300), octets(300), fc.boolean(), async (first, second, isSigned) => {
        const sign = (message: Buffer, type: number): Buffer =>
          isSigned ? Buffer.concat([Buffer.from('NTLMSSP\0'), Buffer.from([type, 0, 0, 0]), message]) : message
        const exchange = start()
        const step = await exchange.next(sign(first, 1))
        if (step.kind === 'challenge') expect((await exchange.next(sign(second, 3))).kind).toBe('failure')
      }),
      runs,
    )
  })

  test('values put in place of the fields of a right message', async () => {
    const anyField = fc.constantFrom(...FIELDS)
    const anyChange = fc.tuple(
      anyField,
      fc.integer({ min: 0, max: 0xffff }),
      fc.oneof(fc.nat(400), fc.nat(0xffff_ffff)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyChange, { minLength: 1, maxLength: 4 }),
        fc.nat(0xffff_ffff),
        async (changes, flags) => {
          const step = await attack((message) => {
            for (const [at, length, offset] of changes) {
              message.writeUInt16LE(length, at)
              message.writeUInt32LE(offset, at + 4)
            }
            message.writeUInt32LE(flags, 60)
            return message
          })
          // A workstation or a session key may change without a MIC; then alice is still alice.
          if (step.kind === 'success') expect(step.account.user).toBe('alice')
        },
      ),
      runs,
    )
  })

  test('flags are answered with those that fit together', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (asked) => {
        const message = negotiateMessage(asked)
        const isValid = (asked & (FLAG.unicode | FLAG.oem)) !== 0
        expect(parseNegotiate(message)).toBe(isValid ? asked : undefined)
        const answered = answerFlags(asked)
        expect(answered & FLAG.unicode && answered & FLAG.oem).toBe(0)
        expect(answered & FLAG.session && answered & 0x80).toBe(0)
        expect(answered & 0x40).toBe(0) // datagrams
        const forced = FLAG.ntlm | FLAG.alwaysSign | FLAG.targetInfo | 0x10000 | FLAG.oem
        expect((answered & ~asked & ~forced) >>> 0).toBe(0)
      }),
      { ...runs, numRuns: runs.numRuns * 5 },
    )
  })

  test('every challenge can be read by a client', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffff_ffff), async (asked) => {
        const step = await start().next(negotiateMessage(asked | FLAG.oem))
        if (step.kind !== 'challenge') throw new Error('no challenge')
        const { targetName, serverChallenge } = readChallenge(step.data)
        expect(targetName.toString((asked & FLAG.unicode) === 0 ? 'latin1' : 'utf16le')).toBe('LAB')
        expect(serverChallenge).toHaveLength(8)
      }),
      runs,
    )
  })
})
