import { expect, test } from 'vitest'
import { LookupError, type NameLookup } from '../../../../src/transport/mail-authentication/names.ts'
import { checkHost } from '../../../../src/transport/mail-authentication/spf/evaluate.ts'
import { expandMacros } from '../../../../src/transport/mail-authentication/spf/macros.ts'

const RECORDS: Readonly<Record<string, readonly string[]>> = {
  'host.test A': ['192.0.2.7'],
  'only4.test A': ['192.0.2.9'],
  'why.test TXT': ['%{i} is not ours; %{s}'],
}

const lookUp: NameLookup = async (name, type) => {
  if (name === 'broken.test') throw new LookupError(`${name} ${type}: SERVFAIL`)
  return RECORDS[`${name} ${type}`] ?? []
}

const resultOf = (record: string, address = '192.0.2.7', helo = 'mail.a.test') =>
  checkHost(
    { address, domain: 'a.test', sender: 'bob@a.test', helo, receiver: 'mx.test', at: 0 },
    async (name, type) => (name === 'a.test' && type === 'TXT' ? [record] : lookUp(name, type)),
  )

// RFC 7208 sections 2.6, 4.6, 5.2, 6 and 7.1
test.each([
  ['v=spf1 include:broken.test -all', 'temperror'],
  ['v=spf1 redirect=broken.test', 'temperror'],
  ['v=spf1 mx:broken.test -all', 'temperror'],
  ['v=spf1 exists:broken.test -all', 'temperror'],
  ['v=spf1 ip4:192.0.2.7 include:broken.test -all', 'pass'],
  ['v=spf1 a:host.test. -all', 'pass'],
  ['v=spf1 ip4:192.0.2.7 nonsense', 'permerror'],
  ['v=spf1 ip4:192.0.2.7 ip6:192.0.2.1 -all', 'permerror'],
  ['v=spf1 ip4:192.0.2.7 ip6:fe80::1%eth0 -all', 'permerror'],
  ['v=spf1 -all exp=why.test exp=why.test', 'permerror'],
  ['v=spf1 exists:%{c}.host.test -all', 'permerror'],
  ['v=spf1 exists:%{d0}.host.test -all', 'permerror'],
  ['v=spf1 -all redirect=a.test', 'fail'],
])('%s: %s', async (record, result) => {
  expect((await resultOf(record)).result).toBe(result)
})

test('addresses of the other family are void lookups', async () => {
  const record = `v=spf1 ${'a:only4.test '.repeat(10)}-all`
  expect(await resultOf(record, '2001:db8::1')).toMatchObject({
    result: 'permerror',
    problem: 'Too many void DNS results',
  })
  expect((await resultOf(record)).result).toBe('fail')
})

test('an explanation that cannot be used does not change the result', async () => {
  expect(await resultOf('v=spf1 -all exp=why.test')).toMatchObject({
    result: 'fail',
    explanation: '192.0.2.7 is not ours; bob@a.test',
  })
  for (const name of ['broken.test', 'none.test', '%{p}.test']) {
    const found = await resultOf(`v=spf1 a:none.test a:none.test -all exp=${name}`)
    expect(found).toMatchObject({ result: 'fail', explanation: undefined })
  }
})

// RFC 7208 sections 4.8 and 7.3
test.each([
  ['exists:%{h} -all', 'fail'],
  [`a:${'x'.repeat(254)}%{v} -all`, 'fail'],
  ['include:%{h} -all', 'permerror'],
  ['redirect=%{h}', 'permerror'],
])('a name of more than 253 octets without a period is invalid: %s', async (terms, result) => {
  expect((await resultOf(`v=spf1 ${terms}`, '192.0.2.7', 'x'.repeat(254))).result).toBe(result)
})

test('a name of more than 253 octets loses its first labels', async () => {
  const record = `v=spf1 a:${'x'.repeat(250)}.%{h} -all`
  expect((await resultOf(record, '192.0.2.7', 'host.test')).result).toBe('pass')
})

// RFC 7208 section 7.1
test.each([
  ['%{d-_-+}', 'a-b_c+d.e', 'a.b.c.d.e'],
  ['%{d-+-/}', 'a,b-c/d', 'a,b.c.d'],
  ['%{d+-=}', 'a/b;c=d', 'a/b;c.d'],
  ['%{d2r.,/_=+-}', 'a,b/c_d=e+f-g.h', 'b.a'],
  ['%{d1--}', 'a--b', 'b'],
])('%s of %s: %s', (macro, value, expanded) => {
  expect(expandMacros(macro, () => value)).toBe(expanded)
})

// Patterns that backtrack take longer than the time limit of a test here.
const LONG = 512 * 1024
const LONG_TERMS = [
  `exists:%{d${'1'.repeat(LONG)}`,
  `exists:%{d${'1'.repeat(LONG)}}/`,
  `exists:%{d${'0'.repeat(LONG)}}`,
  `exists:%{d${'-'.repeat(LONG)}`,
  `a:${'%{d1'.repeat(LONG / 4)}`,
  `a:${'.a-'.repeat(LONG / 3)}`,
  `a:${'.1'.repeat(LONG / 2)}`,
  `a:.${'a-'.repeat(LONG / 2)}`,
  `a:.${'1'.repeat(LONG)}`,
  `a:${'/1'.repeat(LONG / 2)}`,
  `ip4:${'1.'.repeat(LONG / 2)}`,
  `ip6:${':1'.repeat(LONG / 2)}`,
  `x=${'%{d1'.repeat(LONG / 4)}`,
  'x'.repeat(LONG),
]
test.each(LONG_TERMS.map((term) => [term.slice(0, 20), term]))('a long term is invalid: %s…', async (_, term) => {
  expect((await resultOf(`v=spf1 ${term} -all`)).result).toBe('permerror')
})
