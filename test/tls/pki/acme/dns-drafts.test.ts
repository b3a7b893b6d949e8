import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { type AcmeChallenge, acmeAccount, startAcme } from './support.ts'

/** A challenge with the fields of the drafts. */
type DraftChallenge = AcmeChallenge & { 'issuer-domain-names'?: string[]; accounturi?: string; token?: string }

/** The TXT records of the zone, by name. */
const records = new Map<string, readonly string[]>()

const lab = await startAcme({}, [], {
  txt: async (name) => records.get(name) ?? [],
  caaIdentities: ['authority.test', 'other.test'],
})
const account = await acmeAccount(lab.directory)
afterAll(() => lab[Symbol.asyncDispose]())

let ordered = 0

/** Orders a new name and returns its challenge. */
async function challengeOf(type: string, wildcard = false) {
  const domain = `host${++ordered}.lab.test`
  const order = await account.createOrder({
    identifiers: [{ type: 'dns', value: wildcard ? `*.${domain}` : domain }],
  })
  const [authorization] = await account.getAuthorizations(order)
  const challenge = authorization?.challenges.find((one) => (one.type as string) === type) as DraftChallenge
  return { domain, order, challenge, types: authorization?.challenges.map((one) => one.type as string) }
}

/** Has a challenge validated. Returns undefined, or the type and the detail of the problem. */
async function problemOf(challenge: AcmeChallenge): Promise<string | undefined> {
  await account.completeChallenge(challenge)
  await account.waitForValidStatus(challenge).catch(() => {})
  // POST-as-GET by the client's own signer, because the client's types do not know the field `error`.
  const { data } = await (
    account as unknown as { api: { apiRequest(url: string): Promise<{ data: Record<string, unknown> }> } }
  ).api.apiRequest(challenge.url)
  if (data.status === 'valid') return undefined
  const { type, detail } = data.error as { type: string; detail: string }
  return `${type.split(':').at(-1)} ${detail}`
}

it('offers the DNS challenges for wildcards, and all challenges for names', async () => {
  const dns = ['dns-01', 'dns-account-01', 'dns-persist-01']
  expect((await challengeOf('dns-01', true)).types).toEqual(dns)
  expect((await challengeOf('dns-01')).types).toEqual(['http-01', ...dns, 'tls-alpn-01'])
  const { meta } = (await (await fetch(lab.directory)).json()) as { meta: object }
  expect(meta).toMatchObject({ caaIdentities: ['authority.test', 'other.test'] })
})

describe('dns-account-01', () => {
  it('reads the record below the label of the account', async () => {
    const { domain, challenge } = await challengeOf('dns-account-01', true)
    const keyAuthorization = await account.getChallengeKeyAuthorization({ ...challenge, type: 'dns-01' })
    const label = accountLabel(account.getAccountUrl())
    expect(label).toMatch(/^_[a-z2-7]{16}$/)
    records.set(`_acme-challenge.${domain}`, [keyAuthorization])
    expect(await problemOf(challenge)).toContain(
      `incorrectResponse ${label}._acme-challenge.${domain} has no TXT record`,
    )
    const again = await challengeOf('dns-account-01', true)
    records.set(`${label}._acme-challenge.${again.domain}`, [
      await account.getChallengeKeyAuthorization({ ...again.challenge, type: 'dns-01' }),
    ])
    expect(await problemOf(again.challenge)).toBeUndefined()
    expect((await account.getOrder(again.order)).status).toBe('ready')
  })

  /** Base32 of the first ten octets, five bits at a time. RFC 4648 section 6. */
  function accountLabel(url: string): string {
    const bits = [...createHash('sha256').update(url).digest().subarray(0, 10)]
      .map((octet) => octet.toString(2).padStart(8, '0'))
      .join('')
    const groups = bits.match(/.{5}/g) ?? []
    return `_${groups.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)]).join('')}`
  }
})

describe('dns-persist-01', () => {
  it('has no token, but the names of the authority and the URL of the account', async () => {
    const { challenge } = await challengeOf('dns-persist-01')
    expect(challenge).toMatchObject({
      status: 'pending',
      'issuer-domain-names': ['authority.test', 'other.test'],
      accounturi: account.getAccountUrl(),
    })
    expect(challenge.token).toBeUndefined()
  })

  // The records and verdicts are those of Pebble (va/va_test.go); ME is the URL of the account.
  const good: readonly [string, readonly string[], wildcard?: true][] = [
    ['a record of the first name', ['authority.test;accounturi=ME']],
    ['a record of the second name', ['other.test; accounturi=ME']],
    ['a name in another form', ['Authority.TEST.;accounturi=ME']],
    ['a malformed record beside it', ['authority.test;accounturi=ME;accounturi=ME', 'authority.test;accounturi=ME']],
    ['a record of another account beside it', ['authority.test;accounturi=x:y', 'authority.test;accounturi=ME']],
    ['unknown tags', ['authority.test;accounturi=ME;foo=;bad tag=value']],
    ['white space', ['  authority.test \t;  accounturi  =  ME ; policy = wildcard ; persistUntil = 4102444800 ']],
    ['a wildcard by its policy', ['authority.test;accounturi=ME;pOlIcY=wIlDcArD'], true],
    ['a policy of another value', ['authority.test;accounturi=ME;policy=other']],
  ]
  it.each(good)('accepts %s', async (_, texts, wildcard) => {
    const { domain, challenge } = await challengeOf('dns-persist-01', wildcard)
    records.set(`_validation-persist.${domain}`, texts.map(mine))
    expect(await problemOf(challenge)).toBeUndefined()
  })

  const bad: readonly [string, string, readonly string[], wildcard?: true][] = [
    ['no record', 'unauthorized', []],
    ['another authority', 'unauthorized', ['else.test;accounturi=ME']],
    ['a malformed record of another authority', 'unauthorized', ['else.test;accounturi=ME;accounturi=ME']],
    ['no authority', 'unauthorized', [';accounturi=ME']],
    ['another account', 'unauthorized', ['authority.test;accounturi=https://ca.test/acct/9']],
    ['a wildcard without the policy', 'unauthorized', ['authority.test;accounturi=ME'], true],
    ['a wildcard with another policy', 'unauthorized', ['authority.test;accounturi=ME;policy=notwildcard'], true],
    ['a time in the past', 'unauthorized', ['authority.test;accounturi=ME;persistUntil=1']],
    ['a negative time', 'unauthorized', ['authority.test;accounturi=ME;persistUntil=-1']],
    ['a time that is no number', 'malformed', ['authority.test;accounturi=ME;persistUntil=tomorrow']],
    ['an empty time', 'malformed', ['authority.test;accounturi=ME;persistUntil=']],
    ['no account', 'malformed', ['authority.test;policy=wildcard']],
    ['an empty account', 'malformed', ['authority.test;accounturi=']],
    ['two accounts', 'malformed', ['authority.test;ACCOUNTURI=ME;accounturi=ME']],
    ['an unknown tag twice', 'malformed', ['authority.test;accounturi=ME;foo=bar;foo=baz']],
    ['a tag without a value', 'malformed', ['authority.test;accounturi=ME;invalidparam']],
    ['a value without a tag', 'malformed', ['authority.test;accounturi=ME;=abc']],
    ['a value with a space', 'malformed', ['authority.test;accounturi=ME;policy=wild card']],
    ['a semicolon at the end', 'malformed', ['authority.test;accounturi=ME;']],
  ]
  it.each(bad)('rejects %s as %s', async (_, type, texts, wildcard) => {
    const { domain, challenge } = await challengeOf('dns-persist-01', wildcard)
    records.set(`_validation-persist.${domain}`, texts.map(mine))
    expect(await problemOf(challenge)).toMatch(new RegExp(`^${type} _validation-persist\\.${domain} has no TXT record`))
  })

  const mine = (text: string): string => text.replaceAll('ME', account.getAccountUrl())
})
