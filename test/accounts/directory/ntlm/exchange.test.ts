import { describe, expect, test } from 'vitest'
import { createDirectory } from '../../../../src/accounts/directory/directory.ts'
import type { SaslExchange, SaslStep } from '../../../../src/accounts/directory/sasl/exchange.ts'
import { startSasl } from '../../../../src/accounts/directory/sasl/mechanisms.ts'
import { fileTime } from '../../../../src/accounts/directory/sasl/ntlm/av-pairs.ts'
import type { NtlmConfig } from '../../../../src/core/config/schema/ntlm.ts'
import { type ChannelBindings, channelBindings } from '../../../../src/tls/negotiation/binding-types.ts'
import {
  attribute,
  authenticateMessage,
  type ClientLogon,
  FLAG,
  negotiateMessage,
  readChallenge,
} from '../../../support/ntlm-client.ts'

const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'Bob', password: 'a password of more than 14 characters' },
  { user: 'carol', password: '14 characters.' },
  {
    user: 'dave',
    password: 'own',
    appPasswords: [
      { name: 'phone', password: 'one' },
      { name: 'PC', password: 'two' },
    ],
  },
  { user: 'jürgen', password: 'Grüße' },
]
const directory = createDirectory({
  domain: 'lab.test',
  directory: { mode: 'listed', unknown: 'refuse', accounts },
})
const NOW = Date.UTC(2003, 9, 21)

interface Setting {
  readonly ntlm?: NtlmConfig
  readonly negotiate?: Buffer
  /** Changes the AUTHENTICATE_MESSAGE on its way. */
  readonly change?: (message: Buffer) => Buffer
}

function start(ntlm?: NtlmConfig) {
  const exchange = startSasl('NTLM', { directory, hostname: 'mail.lab.test', clock: { now: () => NOW }, ntlm })
  if (!exchange) throw new Error('no NTLM')
  return exchange
}

async function challengeOf(exchange: ReturnType<typeof start>, negotiate: Buffer): Promise<Buffer> {
  const step = await exchange.next(negotiate)
  if (step.kind !== 'challenge') throw new Error(`no challenge: ${JSON.stringify(step)}`)
  return step.data
}

async function logOn(
  logon: ClientLogon,
  { ntlm, negotiate = negotiateMessage(), change }: Setting = {},
): Promise<SaslStep> {
  const exchange = start(ntlm)
  const challenge = await challengeOf(exchange, negotiate)
  const message = authenticateMessage(negotiate, challenge, logon)
  return exchange.next(change ? change(message) : message)
}

const user = (step: SaslStep): string => (step.kind === 'success' ? step.account.user : step.kind)
const WRONG = 'unknown user name or bad password'
const WITHOUT_SESSION = negotiateMessage(FLAG.unicode | FLAG.requestTarget | FLAG.ntlm)

describe('versions', () => {
  test.each([
    ['lm', WITHOUT_SESSION, 'LM'],
    ['v1', WITHOUT_SESSION, 'NTLMv1'],
    ['session', negotiateMessage(), 'NTLM2 session'],
    ['lmv2', negotiateMessage(), 'LMv2'],
    ['v2', negotiateMessage(), 'NTLMv2'],
  ] as const)('%s is accepted and recorded', async (version, negotiate, name) => {
    const step = await logOn({ user: 'alice', domain: 'LAB', password: 'secret', version }, { negotiate })
    expect(step).toMatchObject({
      kind: 'success',
      account: { user: 'alice' },
      note: `NTLM: ${name}, user LAB\\alice, workstation PC1`,
    })
  })

  test.each(['lm', 'v1', 'session', 'lmv2', 'v2'] as const)(
    '%s with a wrong password or an unknown user',
    async (version) => {
      const negotiate = version === 'lm' || version === 'v1' ? WITHOUT_SESSION : negotiateMessage()
      for (const logon of [
        { user: 'alice', password: 'Secret2' },
        { user: 'alice', password: '' },
        { user: 'nobody', password: '' },
        { user: 'nobody', password: 'secret' },
      ]) {
        expect(await logOn({ ...logon, version }, { negotiate })).toMatchObject({ kind: 'failure', reason: WRONG })
      }
    },
  )

  test.each([
    ['lm', ['lm', 'v1', 'session', 'lmv2', 'v2']],
    ['v1', ['v1', 'session', 'lmv2', 'v2']],
    ['session', ['session', 'lmv2', 'v2']],
    ['v2', ['lmv2', 'v2']],
  ] as const)('minVersion: %s accepts %j', async (minVersion, accepted) => {
    const found = []
    for (const version of ['lm', 'v1', 'session', 'lmv2', 'v2'] as const) {
      const negotiate = version === 'lm' || version === 'v1' ? WITHOUT_SESSION : negotiateMessage()
      const step = await logOn({ user: 'alice', password: 'secret', version }, { negotiate, ntlm: { minVersion } })
      if (step.kind === 'success') found.push(version)
    }
    expect(found).toEqual(accepted)
  })

  test('a refused version is named, without the password being checked', async () => {
    const refused = await logOn(
      { user: 'alice', password: 'wrong', version: 'v1' },
      { negotiate: WITHOUT_SESSION, ntlm: { minVersion: 'v2' } },
    )
    expect(refused).toMatchObject({
      kind: 'failure',
      reason: 'the NTLM response is weaker than this server accepts (ntlm.minVersion: v2)',
      note: 'NTLM: NTLMv1 or LM, user alice, workstation PC1',
    })
  })

  test('LAN Manager cannot check a password of more than 14 characters, or with other letters than ASCII', async () => {
    const long = { user: 'bob', version: 'lm' } as const
    const setting = { negotiate: WITHOUT_SESSION }
    expect(user(await logOn({ ...long, password: 'a password of more than 14 characters' }, setting))).toBe('failure')
    expect(user(await logOn({ ...long, password: 'a password of ' }, setting))).toBe('failure')
    expect(user(await logOn({ user: 'jürgen', version: 'lm', password: 'Grüße' }, setting))).toBe('failure')
    expect(user(await logOn({ user: 'alice', version: 'lm', password: 'SECRET' }, setting))).toBe('alice')
    expect(user(await logOn({ user: 'carol', version: 'lm', password: '14 Characters.' }, setting))).toBe('carol')
  })

  test.each([
    ['own', undefined],
    ['one', 'phone'],
    ['two', 'PC'],
  ])('the password %s, and which one it is', async (password, name) => {
    const step = await logOn({ user: 'dave', password, mic: true })
    expect(step).toMatchObject({ kind: 'success', secret: name === undefined ? { password } : { name, password } })
  })

  test('a right LM response does not replace a wrong NTLMv2 response', async () => {
    const change = (message: Buffer): Buffer => {
      const changed = Buffer.from(message)
      const at = changed.readUInt32LE(24)
      changed[at] = (changed[at] ?? 0) ^ 1
      return changed
    }
    expect(await logOn({ user: 'alice', password: 'secret' }, { change })).toMatchObject({ reason: WRONG })
  })
})

describe('users and domains', () => {
  test.each([
    ['', 'alice'],
    ['', 'ALICE'],
    ['', 'alice@lab.test'],
    ['', 'LAB\\alice'],
    ['', 'LAB\\alice\\alice'],
    ['LAB', 'alice'],
    ['PC1', 'alice'],
    ['LAB', 'alice\\alice'],
    ['LAB\\alice', 'alice'],
    ['LAB', 'alice@lab.test'],
  ])('domain %j, user %j', async (domain, name) => {
    expect(user(await logOn({ domain, user: name, password: 'secret' }))).toBe('alice')
  })

  test.each([
    ['', 'alice@elsewhere.test'],
    ['LAB', 'alice\\bob'],
    ['', ''],
    ['LAB', ''],
    ['', 'ali\0ce'],
  ])('domain %j, user %j: nobody', async (domain, name) => {
    expect(await logOn({ domain, user: name, password: 'secret' })).toMatchObject({ kind: 'failure', reason: WRONG })
  })

  test.each([
    ['lab', 'LAB'],
    ['Lab', ''],
    ['', ''],
  ])('domain %j, and %j in the key', async (domain, keyDomain) => {
    expect(user(await logOn({ domain, keyDomain, user: 'alice', password: 'secret' }))).toBe('alice')
  })

  test('another domain in the key is wrong', async () => {
    expect(user(await logOn({ domain: 'LAB', keyDomain: 'OTHER', user: 'alice', password: 'secret' }))).toBe('failure')
  })

  test('Unicode and OEM texts', async () => {
    expect(user(await logOn({ user: 'Jürgen', password: 'Grüße' }))).toBe('jürgen')
    const oem = negotiateMessage(FLAG.oem | FLAG.ntlm)
    const step = await logOn({ user: 'jürgen', password: 'Grüße', version: 'v1', oem: true }, { negotiate: oem })
    expect(user(step)).toBe('jürgen')
  })

  test('an anonymous log-on is refused', async () => {
    const change = (message: Buffer): Buffer => {
      const changed = Buffer.from(message)
      for (const at of [12, 20, 36]) changed.writeUInt16LE(0, at)
      return changed
    }
    expect(await logOn({ user: '', password: '' }, { change })).toMatchObject({
      kind: 'failure',
      reason: 'NTLM without a response: anonymous log-on is not offered',
      note: 'NTLM: no response, user , workstation PC1',
    })
  })

  test('the record names what the client tells of itself', async () => {
    const negotiate = negotiateMessage(FLAG.unicode | FLAG.session | FLAG.version)
    const step = await logOn({ user: 'alice', workstation: '', password: 'secret' }, { negotiate })
    expect(step).toMatchObject({ note: 'NTLM: NTLMv2, user alice, client version 5.1.2600' })
  })

  test('control characters of a client do not reach the record', async () => {
    const step = await logOn({ user: 'alice', workstation: 'PC\r\nX\u202e', password: 'secret' })
    expect(step).toMatchObject({ note: 'NTLM: NTLMv2, user alice, workstation PC??X?' })
  })
})

describe('the challenge', () => {
  test('names the domain and the server, and tells the time', async () => {
    const { targetName, targetInfo, flags } = readChallenge(await challengeOf(start(), negotiateMessage()))
    expect(targetName.toString('utf16le')).toBe('LAB')
    const names = [2, 1, 4, 3].map((id) => attribute(targetInfo, id)?.toString('utf16le'))
    expect(names).toEqual(['LAB', 'MAIL', 'lab.test', 'mail.lab.test'])
    expect(attribute(targetInfo, 7)).toEqual(fileTime(NOW))
    expect(flags >>> 0).toBe(0x00898205)
  })

  test('is another one each time', async () => {
    const found = []
    for (let n = 0; n < 20; n++) {
      const { serverChallenge } = readChallenge(await challengeOf(start(), negotiateMessage()))
      found.push(serverChallenge.toString('hex'))
    }
    expect(new Set(found).size).toBe(20)
  })

  test('a client that asks for no target gets none, as from Windows Server 2003', async () => {
    const challenge = await challengeOf(start(), negotiateMessage(FLAG.oem | FLAG.ntlm))
    const { targetName, targetInfo, flags } = readChallenge(challenge)
    expect([targetName.toString('latin1'), targetInfo.length, flags]).toEqual(['LAB', 0, 0x8202])
  })

  test('a client that asks for a target gets its attributes, without extended session security too', async () => {
    const challenge = await challengeOf(start(), negotiateMessage(FLAG.unicode | FLAG.requestTarget))
    expect(attribute(readChallenge(challenge).targetInfo, 2)?.toString('utf16le')).toBe('LAB')
  })

  test('a NetBIOS name has 15 characters at most', async () => {
    const exchange = startSasl('NTLM', { directory, hostname: 'averylonghostname.lab.test' }) as SaslExchange
    const { targetInfo } = readChallenge(await challengeOf(exchange, negotiateMessage()))
    expect(attribute(targetInfo, 1)?.toString('utf16le')).toBe('AVERYLONGHOSTNA')
  })

  test('the version is sent to a client that asks for it', async () => {
    const versionFor = async (flags: number): Promise<string> =>
      (await challengeOf(start(), negotiateMessage(flags))).subarray(48, 56).toString('hex')
    expect(await versionFor(FLAG.unicode | FLAG.version)).toBe('0502ce0e0000000f')
    expect(await versionFor(FLAG.unicode)).toBe('0000000000000000')
  })

  test('counts once', async () => {
    const exchange = start()
    const negotiate = negotiateMessage()
    const challenge = await challengeOf(exchange, negotiate)
    const wrong = authenticateMessage(negotiate, challenge, { user: 'alice', password: 'x' })
    const right = authenticateMessage(negotiate, challenge, { user: 'alice', password: 'secret' })
    expect(user(await exchange.next(wrong))).toBe('failure')
    expect(user(await exchange.next(right))).toBe('failure')
    // Nor in another exchange.
    const other = start()
    await challengeOf(other, negotiate)
    expect(await other.next(right)).toMatchObject({ reason: WRONG })
  })
})

describe('MIC', () => {
  const KEYS = FLAG.unicode | FLAG.requestTarget | FLAG.ntlm | FLAG.session | FLAG.sign | FLAG.keyExchange
  const logon: ClientLogon = { user: 'alice', password: 'secret', mic: true }
  test.each([
    ['without a key exchange', negotiateMessage()],
    ['with a key exchange', negotiateMessage(KEYS)],
    ['with a key exchange for sealing', negotiateMessage((KEYS & ~FLAG.sign) | FLAG.seal)],
    ['with a key exchange for nothing', negotiateMessage(KEYS & ~FLAG.sign)],
    ['with signing, but without a key exchange', negotiateMessage(KEYS & ~FLAG.keyExchange)],
  ])('is verified %s', async (_, negotiate) => {
    const step = await logOn(logon, { negotiate })
    expect(step).toMatchObject({ kind: 'success', note: 'NTLM: NTLMv2, MIC, user alice, workstation PC1' })
  })

  test('is not expected of a client that says other things of itself', async () => {
    // MsvAvFlags 0x4: the name of the target is not verified.
    const attributes = Buffer.from('0600040004000000', 'hex')
    expect(user(await logOn({ user: 'alice', password: 'secret', attributes }))).toBe('alice')
  })

  const refused = { kind: 'failure', reason: 'the NTLM messages were changed on their way: wrong MIC' }
  test('notices a changed workstation, a removed MIC, and a removed key', async () => {
    const changes: ((message: Buffer) => Buffer)[] = [
      (message) => Buffer.from(message).fill('X', message.readUInt32LE(48), message.readUInt32LE(48) + 1),
      (message) => Buffer.from(message).fill(0, 72, 88),
      (message) => Buffer.from(message).fill(0, 52, 54),
    ]
    for (const change of changes) {
      expect(await logOn(logon, { negotiate: negotiateMessage(KEYS), change })).toMatchObject(refused)
    }
  })

  test('cannot be made with an empty key', async () => {
    const { hmacMd5 } = await import('../../../../src/accounts/directory/sasl/ntlm/keys.ts')
    const negotiate = negotiateMessage(KEYS)
    const exchange = start()
    const challenge = await challengeOf(exchange, negotiate)
    const message = authenticateMessage(negotiate, challenge, logon)
    message.fill(0, 52, 54).fill(0, 72, 88)
    hmacMd5(Buffer.alloc(0), negotiate, challenge, message).copy(message, 72)
    expect(await exchange.next(message)).toMatchObject(refused)
  })
})

describe('channel binding', () => {
  const certificateHash = Buffer.alloc(32, 7)
  const bound = (value: Buffer): Buffer => Buffer.concat([Buffer.from('0a001000', 'hex'), value])
  // Computed with pyspnego's GssChannelBindings.
  const right = Buffer.from('b1a3c6580100729194d4b9487c9edceb', 'hex')

  async function bind(attributes: Buffer, bindings: ChannelBindings | undefined): Promise<string> {
    const exchange = startSasl('NTLM', { directory, ...(bindings ? { channelBindings: bindings } : {}) })
    const negotiate = negotiateMessage()
    const challenge = await challengeOf(exchange as SaslExchange, negotiate)
    const message = authenticateMessage(negotiate, challenge, { user: 'alice', password: 'secret', attributes })
    const step = (await exchange?.next(message)) as SaslStep
    const isNoted = 'note' in step && step.note?.includes('channel binding')
    expect(isNoted).toBe(attributes.subarray(4).some((octet) => octet !== 0))
    return user(step)
  }

  test('is checked under TLS, if the client sends one', async () => {
    const tls = channelBindings({ 'tls-server-end-point': () => certificateHash })
    expect(await bind(bound(right), tls)).toBe('alice')
    expect(await bind(bound(Buffer.alloc(16, 1)), tls)).toBe('failure')
    expect(await bind(bound(Buffer.alloc(16)), tls)).toBe('alice')
    expect(await bind(Buffer.alloc(0), tls)).toBe('alice')
    expect(await bind(Buffer.from('0a000100ff', 'hex'), tls)).toBe('failure')
    expect(await bind(bound(Buffer.alloc(16, '\0\x01')), tls)).toBe('failure')
    expect(await bind(bound(right), channelBindings({}))).toBe('alice')
    // Where TLS ends at a proxy, or the certificate has no binding.
    expect(await bind(bound(Buffer.alloc(16, 1)), undefined)).toBe('alice')
  })
})

describe('time', () => {
  const HOUR_MS = 3_600_000
  test.each([
    [0, 'alice'],
    [-36 * HOUR_MS, 'alice'],
    [36 * HOUR_MS, 'alice'],
    [-36 * HOUR_MS - 1, 'failure'],
    [36 * HOUR_MS + 1, 'failure'],
  ])('a client whose clock differs by %d ms: %s', async (differenceMs, expected) => {
    const timestamp = fileTime(NOW + differenceMs)
    expect(user(await logOn({ user: 'alice', password: 'secret', timestamp }))).toBe(expected)
  })

  test('is checked after the password', async () => {
    const timestamp = fileTime(0)
    for (const logon of [
      { user: 'alice', password: 'wrong' },
      { user: 'nobody', password: '' },
    ]) {
      expect(await logOn({ ...logon, timestamp })).toMatchObject({ reason: WRONG })
    }
    expect(await logOn({ user: 'alice', password: 'secret', timestamp })).toMatchObject({
      reason: "the client's clock differs by more than 36 hours",
    })
  })
})
