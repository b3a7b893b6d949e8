import { expect, it } from 'vitest'
import {
  formatPolicy,
  MtaStsPolicyError,
  namesMx,
  parsePolicy,
  policyId,
} from '../../../src/transport/mta-sts/policy.ts'
import { idInRecords, policyRecord } from '../../../src/transport/mta-sts/record.ts'

const policy = { mode: 'enforce', mx: ['mx.lab.test', '*.mail.lab.test'], maxAgeSeconds: 86_400 } as const

it('writes a policy that it reads back', () => {
  const text = formatPolicy(policy)
  expect(text).toBe('version: STSv1\r\nmode: enforce\r\nmx: mx.lab.test\r\nmx: *.mail.lab.test\r\nmax_age: 86400\r\n')
  expect(parsePolicy(text)).toEqual(policy)
  expect(parsePolicy(text.replaceAll('\r', ''))).toEqual(policy)
})

it.each([
  ['another version', 'version: STSv2\nmode: none\nmax_age: 1\n'],
  ['no mode', 'version: STSv1\nmx: a.test\nmax_age: 1\n'],
  ['no mx', 'version: STSv1\nmode: enforce\nmax_age: 1\n'],
  ['no max_age', 'version: STSv1\nmode: enforce\nmx: a.test\n'],
  ['more than a year', 'version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 31557601\n'],
  ['HTML', '<html><body>not found</body></html>'],
])('refuses a policy with %s', (_, text) => {
  expect(() => parsePolicy(text)).toThrow(MtaStsPolicyError)
})

it('reads a policy without mx in mode none, and takes the first of two values', () => {
  const text = 'version: STSv1\nmode: none\nmode: enforce\nmax_age: 60\nextension: value\n'
  expect(parsePolicy(text)).toEqual({ mode: 'none', mx: [], maxAgeSeconds: 60 })
})

it.each([
  ['mx.lab.test', true],
  ['MX.LAB.TEST.', true],
  ['a.mail.lab.test', true],
  ['a.b.mail.lab.test', false],
  ['mail.lab.test', false],
  ['mx.lab.test.evil.test', false],
])('matches the host %s: %s', (host, matches) => {
  expect(namesMx(policy, host)).toBe(matches)
})

it('has another id for another policy', () => {
  expect(policyId(policy)).toMatch(/^[A-Za-z0-9]{32}$/)
  expect(policyId({ ...policy, mode: 'testing' })).not.toBe(policyId(policy))
  expect(idInRecords([policyRecord(policy), 'v=spf1 -all'])).toBe(policyId(policy))
})

it('finds no policy in records of others, and refuses broken ones', () => {
  expect(idInRecords(['v=spf1 -all', 'v=STSv11; id=1'])).toBeUndefined()
  expect(idInRecords(['v=STSv1;extra=x ; id = a1'])).toBe('a1')
  expect(() => idInRecords(['v=STSv1; id=1;', 'v=STSv1; id=2;'])).toThrow('several')
  expect(() => idInRecords(['v=STSv1; id=a-b;'])).toThrow('no id')
})
