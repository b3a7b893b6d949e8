import { expect, it } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { PolicyFetchError } from '../../../src/transport/mta-sts/fetch.ts'
import { Policies, type PolicyLookup } from '../../../src/transport/mta-sts/policies.ts'
import type { MtaStsPolicy } from '../../../src/transport/mta-sts/policy.ts'

const enforce: MtaStsPolicy = { mode: 'enforce', mx: ['mx.example.test'], maxAgeSeconds: 3600 }
const none: MtaStsPolicy = { mode: 'none', mx: [], maxAgeSeconds: 60 }

/** A domain whose record and policy the test sets, and the number of fetches. */
function setUp() {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const clock = { now: () => now }
  const store = new MemoryStore({ clock })
  const domain = {
    records: ['v=STSv1; id=1;'] as string[] | Error,
    policy: enforce as MtaStsPolicy | Error,
    fetches: 0,
  }
  const lookup: PolicyLookup = {
    async txt() {
      if (domain.records instanceof Error) throw domain.records
      return domain.records
    },
    async fetch() {
      domain.fetches++
      if (domain.policy instanceof Error) throw domain.policy
      return domain.policy
    },
  }
  const policies = () => new Policies(store, clock)
  return {
    domain,
    find: () => policies().find('example.test', lookup),
    refresh: () => policies().refresh(async () => lookup),
    pass: (ms: number) => (now += ms),
  }
}

it('keeps a policy while its record is the same, also with a new cache on the same store', async () => {
  const { domain, find, pass } = setUp()
  expect(await find()).toEqual({ policy: enforce })
  pass(3_599_000)
  expect(await find()).toEqual({ policy: enforce })
  expect(domain.fetches).toBe(1)
  pass(2000)
  expect(await find()).toEqual({ policy: enforce })
  expect(domain.fetches).toBe(2)
})

it('fetches the policy again when the id changes', async () => {
  const { domain, find } = setUp()
  await find()
  Object.assign(domain, { records: ['v=STSv1; id=2;'], policy: none })
  expect(await find()).toEqual({ policy: none })
})

it('holds a kept policy until it expires, whatever DNS and the policy host answer', async () => {
  const { domain, find, pass } = setUp()
  await find()
  for (const records of [[], ['v=STSv1; id=1;', 'v=STSv1; id=2;'], new Error('SERVFAIL')]) {
    domain.records = records
    expect(await find()).toEqual({ policy: enforce })
  }
  const failure = new PolicyFetchError('sts-policy-fetch-error', 'HTTP status 404')
  Object.assign(domain, { records: ['v=STSv1; id=2;'], policy: failure })
  expect(await find()).toEqual({ policy: enforce, failure })
  pass(3_600_000)
  expect(await find()).toEqual({ failure })
})

it('has no policy without a record, and none if DNS fails', async () => {
  const { domain, find } = setUp()
  for (const records of [[], ['v=STSv1; id=1;', 'v=STSv1; id=2;'], new Error('SERVFAIL')]) {
    domain.records = records
    expect(await find()).toEqual({})
  }
  expect(domain.fetches).toBe(0)
})

it('a refresh prolongs a kept policy, whether or not its id has changed, and fetches no policy that has expired', async () => {
  const { domain, find, refresh, pass } = setUp()
  await find()
  pass(3_000_000)
  domain.policy = { ...enforce, maxAgeSeconds: 7200 }
  await refresh()
  expect(domain.fetches).toBe(2)
  pass(7_000_000)
  domain.policy = new PolicyFetchError('sts-policy-fetch-error', 'HTTP status 404')
  await refresh()
  expect(await find()).toEqual({ policy: { ...enforce, maxAgeSeconds: 7200 } })
  pass(300_000)
  await refresh()
  expect(domain.fetches).toBe(3)
})
