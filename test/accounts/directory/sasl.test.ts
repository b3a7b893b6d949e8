import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createDirectory } from '../../../src/accounts/directory/directory.ts'
import {
  converse,
  decodeResponse,
  type SaslContext,
  type SaslOutcome,
} from '../../../src/accounts/directory/sasl/exchange.ts'
import { startSasl } from '../../../src/accounts/directory/sasl/mechanisms.ts'
import {
  makeKeys,
  provesPassword,
  scramHashes,
  serverSignature,
} from '../../../src/accounts/directory/sasl/scram/keys.ts'
import { ScramClient, type ScramClientOptions } from '../../support/scram-client.ts'

const directory = createDirectory({
  domain: 'lab.test',
  directory: {
    mode: 'listed',
    unknown: 'refuse',
    accounts: [
      { user: 'alice', password: 'pencil' },
      { user: 'bob', password: 'IX' },
      { user: 'a,b=c', password: 'comma' },
      { user: 'jürgen', password: 'Grün' },
      { user: 'анна', password: 'пароль' },
    ],
  },
})

type Answer = (challenge: string) => string
/** Runs an exchange with a client that sends `initial`, then one of `answers` to each challenge. */
async function authenticate(
  mechanism: string,
  initial: string | undefined,
  answers: (string | Answer)[] = [],
  context: Partial<SaslContext> = {},
): Promise<SaslOutcome> {
  const exchange = startSasl(mechanism, { directory, ...context })
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
    expect(user(await authenticate('EXTERNAL', '', [], { externalIdentity: 'alice@lab.test' }))).toBe('alice')
    expect(user(await authenticate('EXTERNAL', 'alice', [], { externalIdentity: 'alice' }))).toBe('alice')
    expect(user(await authenticate('EXTERNAL', 'bob', [], { externalIdentity: 'alice' }))).toBe('failure')
    expect(user(await authenticate('EXTERNAL', '', []))).toBe('failure')
  })
})

describe.each(['SHA-1', 'SHA-256', 'SHA-512'] as const)('SCRAM-%s', (hash) => {
  const mechanism = `SCRAM-${hash}`
  const client = (name: string, password: string, options: ScramClientOptions = {}) =>
    new ScramClient(name, password, { hash, ...options })
  const logOn = (one: ScramClient, context: Partial<SaslContext> = {}, name = mechanism) =>
    authenticate(name, one.first(), [(first) => one.final(first), (final) => expectProof(one, final)], context)
  const expectProof = (one: ScramClient, serverFinal: string): string => {
    if (!serverFinal.startsWith('e=')) expect(serverFinal).toBe(`v=${one.serverSignature}`)
    return serverFinal.startsWith('e=') ? serverFinal : ''
  }

  test.each([
    ['alice', 'pencil'],
    ['a,b=c', 'comma'],
  ])('both sides prove that they know the password: %s', async (name, password) => {
    expect(user(await logOn(client(name, password)))).toBe(name)
  })

  test('a wrong password and an unknown name fail with the same reason', async () => {
    for (const [user, password] of [
      ['alice', 'pen'],
      ['nobody', 'pencil'],
    ] as const) {
      const one = client(user, password)
      const outcome = await authenticate(mechanism, one.first(), [(first) => one.final(first)])
      expect(outcome).toEqual({ kind: 'failure', reason: 'unknown user name or bad password', user })
    }
  })

  test('an unknown name always gets the same salt, which base64 writes without padding', async () => {
    const salts = new Set<string>()
    for (let round = 0; round < 2; round++) {
      const step = await startSasl(mechanism, { directory })?.next(Buffer.from('n,,n=nobody,r=abc'))
      if (step?.kind === 'challenge') salts.add(/s=([^,]+)/.exec(step.data.toString())?.[1] ?? '')
    }
    expect([...salts]).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{24}$/)])
  })

  test('a changed nonce is malformed', async () => {
    const one = client('alice', 'pencil')
    const outcome = await authenticate(mechanism, one.first(), [(first) => one.final(first, undefined, 'x')])
    expect(outcome).toEqual({ kind: 'failure', reason: 'malformed SCRAM message' })
  })

  test.each(['n,,n=al=ice,r=x', 'n,,n=alice', 'x,,n=alice,r=x', 'p=,,n=alice,r=x', 'n,,n=\u0007,r=x', ''])(
    '%j is malformed',
    async (message) => {
      expect(await authenticate(mechanism, message)).toMatchObject({ reason: 'malformed SCRAM message' })
    },
  )

  test('an authorization identity of another account is refused', async () => {
    const one = client('alice', 'pencil', { gs2: 'n,a=bob,' })
    const outcome = await authenticate(mechanism, one.first(), [(first) => one.final(first)])
    expect(outcome).toMatchObject({ kind: 'failure', refusal: 'not-authorized' })
  })

  const binding = Buffer.from('what both sides know about the channel')
  const context: Partial<SaslContext> = {
    channelBindings: new Map([['tls-exporter', () => binding]]),
    announced: [mechanism, `${mechanism}-PLUS`],
  }
  const gs2 = 'p=tls-exporter,,'

  test('-PLUS proves that both sides see the same channel', async () => {
    const one = client('alice', 'pencil', { gs2, binding })
    expect(user(await logOn(one, context, `${mechanism}-PLUS`))).toBe('alice')
  })

  // RFC 5802 sections 6 and 7
  test.each([
    ['another channel', '-PLUS', { gs2, binding: Buffer.from('another') }, 'channel-bindings-dont-match'],
    ['no data', '-PLUS', { gs2 }, 'channel-bindings-dont-match'],
    ['no binding', '-PLUS', {}, 'channel-bindings-dont-match'],
    ['a type that the channel does not have', '-PLUS', { gs2: 'p=tls-unique,,' }, 'unsupported-channel-binding-type'],
    ['a type by the name of a property', '-PLUS', { gs2: 'p=constructor,,' }, 'unsupported-channel-binding-type'],
    ['a binding without -PLUS', '', { gs2, binding }, 'channel-binding-not-supported'],
    ['a client that has not seen -PLUS', '', { gs2: 'y,,' }, 'server-does-support-channel-binding'],
  ])('%s is refused', async (_, suffix, options, error) => {
    const one = client('alice', 'pencil', options)
    const seen: string[] = []
    const outcome = await authenticate(
      mechanism + suffix,
      one.first(),
      [(first) => one.final(first), (final) => String(seen.push(final))],
      context,
    )
    expect(seen).toEqual([`e=${error}`])
    expect(outcome).toMatchObject({ kind: 'failure', reason: `SCRAM: ${error}` })
  })

  test('a client that could bind the channel logs on where -PLUS is not announced', async () => {
    expect(user(await logOn(client('alice', 'pencil', { gs2: 'y,,' }), { announced: [mechanism] }))).toBe('alice')
  })

  test('a changed gs2-header and an extension that must be known are refused', async () => {
    const one = client('alice', 'pencil')
    const answers = [(first: string) => one.final(first, 'y,,'), () => '']
    expect(await authenticate(mechanism, one.first(), answers)).toMatchObject({
      reason: 'SCRAM: channel-bindings-dont-match',
    })
    const extended = [(first: string) => one.final(first), () => '']
    expect(await authenticate(mechanism, 'n,,m=x,n=alice,r=x', extended)).toMatchObject({
      reason: 'SCRAM: extensions-not-supported',
    })
  })

  test('the line after the server’s proof is not examined, except for the cancellation', async () => {
    for (const [line, expected] of [
      ['', 'alice'],
      ['NOOP', 'alice'],
      ['MQ==', 'alice'],
      ['no base64', 'alice'],
      ['*', 'cancelled'],
    ] as const) {
      const one = client('alice', 'pencil')
      expect(user(await authenticate(mechanism, one.first(), [(first) => one.final(first), line]))).toBe(expected)
    }
  })
})

describe('published examples of SCRAM', () => {
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const first256 = `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
  const nonce512 = 'rOprNGfwEbeRWgbNEkqO02431b08-2f89-4bad-a4e6-80c0564ec865'
  test.each([
    {
      source: 'RFC 5802 section 5',
      hash: 'SHA-1',
      bare: 'n=user,r=fyko+d2lbbFgONRv9qkxdawL',
      serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      without: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j',
      proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      source: 'RFC 7677 section 3',
      hash: 'SHA-256',
      bare: 'n=user,r=rOprNGfwEbeRWgbNEkqO',
      serverFirst: first256,
      without: `c=biws,r=${nonce}`,
      proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
    {
      source: 'Apache Qpid JMS',
      hash: 'SHA-512',
      bare: 'n=user,r=rOprNGfwEbeRWgbNEkqO',
      serverFirst: `r=${nonce512},s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096`,
      without: `c=biws,r=${nonce512}`,
      proof: 'Hc5yec3NmCD7t+kFRw4/3yD6/F3SQHc7AVYschRja+Bc3sbdjlA0eH1OjJc0DD4ghn1tnXN5/Wr6qm9xmaHt4A==',
      signature: 'BQuhnKHqYDwQWS5jAw4sZed+C9KFUALsbrq81bB0mh+bcUUbbMPNNmBIupnS2AmyyDnG5CTBQtkjJ9kyY4kzmw==',
    },
  ] as const)('$source: SCRAM-$hash', async ({ hash: name, bare, serverFirst, without, proof, signature }) => {
    const hash = scramHashes[name]
    const [, salt = '', iterations] = /s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    const keys = await makeKeys(hash, 'pencil', Buffer.from(salt, 'base64'), Number(iterations))
    const authMessage = `${bare},${serverFirst},${without}`
    expect(provesPassword(hash, keys, authMessage, Buffer.from(proof, 'base64'))).toBe(true)
    expect(provesPassword(hash, keys, `${authMessage}x`, Buffer.from(proof, 'base64'))).toBe(false)
    expect(serverSignature(hash, keys, authMessage)).toBe(signature)
  })
})

describe('DIGEST-MD5', () => {
  const hosts = ['elwood.innosoft.com', 'localhost', '127.0.0.1']
  const service = { service: 'imap', endpoint: { isNamed: (host: string) => hosts.includes(host), port: undefined } }
  const md5 = (text: string | Buffer): Buffer => createHash('md5').update(text).digest()
  /** The client's answer, and the proof that it expects. Written from RFC 2831 section 2.1.2.1. */
  function answer(challenge: string, password: string, changes: Record<string, string> = {}) {
    const asked = Object.fromEntries(
      [...challenge.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name, text]) => [name, text]),
    )
    const sent: Record<string, string> = {
      username: 'alice',
      realm: asked.realm ?? '',
      nonce: asked.nonce ?? '',
      cnonce: 'OA6MHXh6VqTrRk',
      nc: '00000001',
      qop: 'auth',
      'digest-uri': 'imap/elwood.innosoft.com',
      ...changes,
    }
    const { username = '', realm = '', nonce, cnonce, nc, qop, authzid } = sent
    const octets = (text: string): Buffer => Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1')
    const user = md5(Buffer.concat([username, ':', realm, ':', password].map(octets)))
    const a1 = md5(
      Buffer.concat([user, Buffer.from(`:${nonce}:${cnonce}${authzid === undefined ? '' : `:${authzid}`}`)]),
    )
    const digest = (method: string): string => {
      const a2 = md5(`${method}:${sent['digest-uri']}`).toString('hex')
      return md5(`${a1.toString('hex')}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`).toString('hex')
    }
    const all = { charset: 'utf-8', ...sent, response: digest('AUTHENTICATE') }
    const text = Object.entries(all).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
    return { text: text.join(','), proof: `rspauth=${digest('')}` }
  }
  async function logOn(password: string, changes: Record<string, string> = {}) {
    let proof = ''
    const outcome = await authenticate(
      'DIGEST-MD5',
      undefined,
      [
        (challenge) => {
          const made = answer(challenge, password, changes)
          proof = made.proof
          return made.text
        },
        (last) => {
          expect(last).toBe(proof)
          return ''
        },
      ],
      service,
    )
    return outcome.kind === 'failure' ? outcome.reason : user(outcome)
  }

  test('the challenge offers authentication without a security layer', async () => {
    const step = await startSasl('DIGEST-MD5', { directory })?.next(undefined)
    expect(step?.kind === 'challenge' && step.data.toString()).toMatch(
      /^realm="lab\.test",nonce="[A-Za-z0-9+/]{24}",qop="auth",charset=utf-8,algorithm=md5-sess$/,
    )
  })

  test.each([
    ['pencil', {}, 'alice'],
    ['pencil', { realm: '' }, 'alice'],
    ['pencil', { authzid: 'alice' }, 'alice'],
    ['pencil', { authzid: '' }, 'alice'],
    ['pencil', { 'digest-uri': 'imap/127.0.0.1' }, 'alice'],
    ['pencil', { 'digest-uri': 'IMAP/localhost/elwood' }, 'alice'],
    ['Grün', { username: 'jürgen' }, 'jürgen'],
    ['пароль', { username: 'анна' }, 'анна'],
    ['pen', {}, 'unknown user name or bad password'],
    ['pencil', { username: 'nobody' }, 'unknown user name or bad password'],
    ['pencil', { authzid: 'bob' }, 'not authorized to act as another'],
    ['pencil', { nonce: 'mine' }, 'the nonce or its count is not the server’s'],
    ['pencil', { nc: '00000002' }, 'the nonce or its count is not the server’s'],
    ['pencil', { realm: 'other.test' }, 'the realm is not the server’s'],
    ['pencil', { qop: 'auth-conf' }, 'only the quality of protection auth is offered'],
    ['pencil', { 'digest-uri': 'smtp/elwood.innosoft.com' }, expect.stringContaining('another service')],
    ['pencil', { 'digest-uri': 'imap/other.test' }, expect.stringContaining('another service')],
    ['pencil', { cnonce: '' }, 'malformed DIGEST-MD5 message'],
  ])('%s with %j: %s', async (password, changes, expected) => {
    expect(await logOn(password, changes as Record<string, string>)).toEqual(expected)
  })

  test.each(['', 'username', 'username="alice', 'username="alice",username="bob"', '"'])(
    '%j is malformed',
    async (text) => {
      expect(await authenticate('DIGEST-MD5', undefined, [() => text])).toMatchObject({ kind: 'failure' })
    },
  )
})

describe('ANONYMOUS', () => {
  test.each([
    ['sirhc', { kind: 'anonymous', note: 'log-on by ANONYMOUS, trace text: "sirhc"' }],
    ['', { kind: 'anonymous', note: 'log-on by ANONYMOUS, trace text: ""' }],
    ['a@b.test', { kind: 'anonymous', note: 'log-on by ANONYMOUS, trace text: "a@b.test"' }],
    ['a\u0007b', { kind: 'failure', reason: 'malformed ANONYMOUS message' }],
    ['x'.repeat(256), { kind: 'failure', reason: 'malformed ANONYMOUS message' }],
  ])('%j', async (trace, expected) => {
    expect(await authenticate('ANONYMOUS', trace)).toEqual(expected)
  })
})
