import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createDirectory } from '../../src/directory/directory.ts'
import { converse, decodeResponse, type SaslOutcome } from '../../src/directory/sasl/exchange.ts'
import { startSasl } from '../../src/directory/sasl/mechanisms.ts'

const directory = createDirectory({
  domain: 'lab.test',
  directory: {
    mode: 'listed',
    unknown: 'refuse',
    accounts: [
      { user: 'alice', password: 'pencil' },
      { user: 'bob', password: 'IX' },
      { user: 'a,b=c', password: 'comma' },
    ],
  },
})

type Answer = (challenge: string) => string
/** Runs an exchange with a client that sends `initial`, then one of `answers` to each challenge. */
async function authenticate(
  mechanism: string,
  initial: string | undefined,
  answers: (string | Answer)[] = [],
  externalIdentity?: string,
): Promise<SaslOutcome> {
  const exchange = startSasl(mechanism, { directory, externalIdentity })
  if (!exchange) throw new Error(`no ${mechanism}`)
  const left = [...answers]
  return converse(exchange, {
    initial: initial === undefined ? undefined : b64(initial) || '=',
    ask: async (challenge) => {
      const next = left.shift()
      if (next === undefined) throw new Error(`unexpected challenge ${decode(challenge)}`)
      return typeof next === 'string' ? next : b64(next(decode(challenge)))
    },
  })
}
const b64 = (text: string): string => Buffer.from(text).toString('base64')
const decode = (text: string): string => Buffer.from(text, 'base64').toString()
const user = (outcome: SaslOutcome): string => (outcome.kind === 'success' ? outcome.account.user : outcome.kind)

describe('client responses', () => {
  test.each([
    ['', Buffer.alloc(0)],
    ['*', 'cancelled'],
    ['YWJj', Buffer.from('abc')],
    ['YWJ', 'malformed'],
    ['YW=j', 'malformed'],
    ['YWJj\n', 'malformed'],
    ['YWJj YWJj', 'malformed'],
    ['=', 'malformed'],
  ])('%j', (line, expected) => {
    expect(decodeResponse(line)).toEqual(expected)
  })
})

describe('PLAIN', () => {
  test.each([
    ['\0alice\0pencil', 'alice'],
    ['alice\0alice\0pencil', 'alice'],
    ['\0LAB\\alice\0pencil', 'alice'],
    // NFKC turns U+2168 into IX. RFC 4013 section 3
    ['\0bob\0\u2168', 'bob'],
    ['\0al\u00adice\0pencil', 'alice'],
    ['bob\0alice\0pencil', 'failure'],
    ['\0alice\0Pencil', 'failure'],
    ['\0nobody\0pencil', 'failure'],
    ['\0alice\0', 'failure'],
    ['alice pencil', 'failure'],
    ['\0alice\0pencil\0', 'failure'],
    ['\0bob\0I\u0007X', 'failure'],
    ['', 'failure'],
  ])('%j: %s', async (message, expected) => {
    expect(user(await authenticate('plain', message))).toBe(expected)
  })

  test('sends an empty challenge if there is no initial response', async () => {
    expect(user(await authenticate('PLAIN', undefined, [(asked) => `${asked}\0alice\0pencil`]))).toBe('alice')
  })

  test('ends when the client cancels or sends no base64', async () => {
    expect(await authenticate('PLAIN', undefined, ['*'])).toEqual({ kind: 'cancelled' })
    expect(await authenticate('PLAIN', undefined, ['no base64'])).toEqual({ kind: 'malformed' })
  })
})

describe('LOGIN', () => {
  const asked = (expected: string, answer: string) => (challenge: string) => {
    expect(challenge).toBe(expected)
    return answer
  }
  test('asks for name and password', async () => {
    const answers = [asked('Username:', 'alice'), asked('Password:', 'pencil')]
    expect(user(await authenticate('LOGIN', undefined, answers))).toBe('alice')
  })
  test('accepts the name as initial response', async () => {
    expect(user(await authenticate('LOGIN', 'alice', [asked('Password:', 'pencil')]))).toBe('alice')
  })
  test('rejects a wrong password', async () => {
    expect(user(await authenticate('LOGIN', 'alice', [asked('Password:', 'pen')]))).toBe('failure')
    expect(user(await authenticate('LOGIN', '', [asked('Password:', '')]))).toBe('failure')
  })
})

describe('CRAM-MD5', () => {
  const prove = (name: string, password: string) => (challenge: string) => {
    expect(challenge).toMatch(/^<[^<>@]+@lab\.test>$/)
    return `${name} ${createHmac('md5', password).update(challenge).digest('hex')}`
  }
  test('verifies the proof', async () => {
    expect(user(await authenticate('CRAM-MD5', undefined, [prove('alice', 'pencil')]))).toBe('alice')
    expect(user(await authenticate('CRAM-MD5', undefined, [prove('alice', 'pen')]))).toBe('failure')
    expect(user(await authenticate('CRAM-MD5', undefined, [prove('nobody', '')]))).toBe('failure')
  })
  test('rejects an initial response', async () => {
    expect(user(await authenticate('CRAM-MD5', 'alice x'))).toBe('failure')
  })
})

describe('EXTERNAL', () => {
  test('logs on the account that the certificate names, and no other', async () => {
    expect(user(await authenticate('EXTERNAL', '', [], 'alice@lab.test'))).toBe('alice')
    expect(user(await authenticate('EXTERNAL', 'alice', [], 'alice'))).toBe('alice')
    expect(user(await authenticate('EXTERNAL', 'bob', [], 'alice'))).toBe('failure')
    expect(user(await authenticate('EXTERNAL', '', []))).toBe('failure')
  })
})

/** A client written from the formulas in RFC 5802 section 3. */
class ScramClient {
  readonly nonce = 'rOprNGfwEbeRWgbNEkqO'
  readonly name: string
  readonly password: string
  #serverSignature = ''
  constructor(name: string, password: string) {
    this.name = name.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.password = password
  }
  first(gs2 = 'n,,'): string {
    return `${gs2}n=${this.name},r=${this.nonce}`
  }
  final(serverFirst: string, binding = 'n,,', tamper = ''): string {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) as unknown as string[]
    const h = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
    const salted = pbkdf2Sync(this.password, Buffer.from(salt as string, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = h(salted, 'Client Key')
    const without = `c=${b64(binding)},r=${nonce}${tamper}`
    const auth = `${this.first('')},${serverFirst},${without}`
    const signature = h(createHash('sha256').update(clientKey).digest(), auth)
    const proof = Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] as number)))
    this.#serverSignature = h(h(salted, 'Server Key'), auth).toString('base64')
    return `${without},p=${proof.toString('base64')}`
  }
  check(serverFinal: string): string {
    expect(serverFinal).toBe(`v=${this.#serverSignature}`)
    return ''
  }
}

describe('SCRAM-SHA-256', () => {
  test.each([
    ['alice', 'pencil'],
    ['a,b=c', 'comma'],
  ])('both sides prove that they know the password: %s', async (name, password) => {
    const client = new ScramClient(name, password)
    const answers = [(first: string) => client.final(first), (final: string) => client.check(final)]
    expect(user(await authenticate('SCRAM-SHA-256', client.first(), answers))).toBe(name)
  })

  test('a wrong password and an unknown name fail with the same reason', async () => {
    for (const client of [new ScramClient('alice', 'pen'), new ScramClient('nobody', 'pencil')]) {
      const outcome = await authenticate('SCRAM-SHA-256', client.first(), [(first) => client.final(first)])
      expect(outcome).toEqual({ kind: 'failure', reason: 'unknown user name or bad password' })
    }
  })

  test('an unknown name always gets the same salt', async () => {
    const salts = new Set<string>()
    for (let round = 0; round < 2; round++) {
      const step = await startSasl('SCRAM-SHA-256', { directory })?.next(Buffer.from('n,,n=nobody,r=abc'))
      if (step?.kind === 'challenge') salts.add(/s=([^,]+)/.exec(step.data.toString())?.[1] ?? '')
    }
    expect(salts.size).toBe(1)
  })

  test('rejects a changed nonce or channel binding', async () => {
    const client = new ScramClient('alice', 'pencil')
    const nonce = await authenticate('SCRAM-SHA-256', client.first(), [(first) => client.final(first, 'n,,', 'x')])
    const binding = await authenticate('SCRAM-SHA-256', client.first(), [(first) => client.final(first, 'y,,')])
    expect([nonce.kind, binding.kind]).toEqual(['failure', 'failure'])
  })

  test.each(['p=tls-unique,,n=alice,r=x', 'n,,n=al=ice,r=x', 'n,,n=alice', 'n,,m=x,n=alice,r=x', 'x,,n=alice,r=x', ''])(
    '%j is malformed',
    async (message) => {
      expect(user(await authenticate('SCRAM-SHA-256', message))).toBe('failure')
    },
  )

  test('rejects an authorization identity of another account', async () => {
    const client = new ScramClient('alice', 'pencil')
    const asBob = await authenticate('SCRAM-SHA-256', client.first('n,a=bob,'), [
      (first) => client.final(first, 'n,a=bob,'),
    ])
    expect(asBob).toEqual({ kind: 'failure', reason: 'not authorized to act as another' })
  })
})
