import { generateKeyPairSync } from 'node:crypto'
import acme from 'acme-client'
import { expect, it } from 'vitest'
import { createRequest } from '../../../../src/tls/pki/certificate/request.ts'
import { acmeAccount, serveAnswers, startAcme } from './support.ts'

const label63 = 'a'.repeat(63)
/** 253 octets. */
const longest = `${`${label63}.`.repeat(3)}${'b'.repeat(56)}.test`
const reject = 'rejectedIdentifier'

it('orders only names that a certificate can contain, and addresses in canonical form', async () => {
  await using lab = await startAcme({}, [], { txt: async () => [] })
  const from = await acmeAccount(lab.directory)
  const cases: readonly (readonly [type: 'dns' | 'ip', value: string, problem?: string])[] = [
    ['dns', '192.0.2.1', reject],
    ['dns', '2001:db8::1', reject],
    ['dns', '0x7f.1', reject],
    ['dns', 'mail.5', reject],
    ['dns', '*.192.0.2.1', reject],
    ['dns', '-a.test', reject],
    ['dns', 'a-.test', reject],
    ['dns', 'a.-b.test', reject],
    ['dns', 'xn--a.test', reject],
    ['dns', `${label63}a.test`, reject],
    ['dns', `b${longest}`, reject],
    ['dns', `*.${longest}`, reject],
    ['dns', 'a..test', 'malformed'],
    ['dns', 'a.test.', 'malformed'],
    ['dns', 'ä.test', 'malformed'],
    ['dns', label63],
    ['dns', longest],
    ['dns', 'xn--4ca.test'],
    ['dns', 'a--b.1a.test'],
    ['dns', '_dmarc.MAIL.test'],
    ['ip', '2001:DB8::1', reject],
    ['ip', '2001:0db8::1', reject],
    ['ip', '2001:db8:0:0::1', reject],
    ['ip', '::ffff:7f00:1'],
    ['ip', '::ffff:127.0.0.1'],
    ['ip', '2001:db8::1'],
    ['ip', '127.0.0.01', 'malformed'],
    ['ip', 'mail.test', 'malformed'],
  ]
  const found = []
  for (const [type, value] of cases) {
    // acme-client reports the detail only.
    let problem = ''
    const interceptor = acme.axios.interceptors.response.use((answer) => {
      if (answer.status >= 400) problem = String(answer.data?.type).replace('urn:ietf:params:acme:error:', '')
      return answer
    })
    await from.createOrder({ identifiers: [{ type, value }] as never }).catch((error: unknown) => {
      if (problem === '') throw error
    })
    acme.axios.interceptors.response.eject(interceptor)
    found.push([type, value, ...(problem ? [problem] : [])])
  }
  expect(found).toEqual(cases)
})

it('rejects a request whose RSA key is shorter than the profile wants', async () => {
  const profiles = {
    old: { lifetimeMs: 300_000, description: '', minRsaBits: 1024 },
    strong: { lifetimeMs: 300_000, description: '', minRsaBits: 3072 },
  }
  await using lab = await startAcme({}, [], { profiles })
  const from = await acmeAccount(lab.directory)
  const finalize = async (bits: number, profile?: string): Promise<string> => {
    await using served = await serveAnswers(lab.httpPort)
    const identifiers = [{ type: 'dns' as const, value: 'mail.lab.test' }]
    const order = await from.createOrder({ identifiers, ...(profile ? { profile } : {}) } as never)
    const [authorization] = await from.getAuthorizations(order)
    const challenge = authorization?.challenges.find(({ type }) => type === 'http-01')
    if (challenge && authorization?.status === 'pending') {
      served.answers.set(challenge.token, await from.getChallengeKeyAuthorization(challenge))
      await from.completeChallenge(challenge)
      await from.waitForValidStatus(challenge)
    }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
    const csr = createRequest({ key: privateKey, subject: [], names: [{ type: 'dns', value: 'mail.lab.test' }] })
    return from.finalizeOrder(order, csr).then(
      ({ status }) => status,
      ({ message }: Error) => message,
    )
  }
  expect(await finalize(1024)).toMatch(/RSA key of 1024 bits is too short; this certificate needs 2048/)
  expect(await finalize(1024, 'old')).toBe('valid')
  expect(await finalize(2048, 'strong')).toMatch(/needs 3072/)
})
