import { X509Certificate } from 'node:crypto'
import acme from 'acme-client'
import { afterAll, expect, test } from 'vitest'
import { type AddedDns, startLab } from '../../../src/testing/index.ts'
import { acmeAccount, acmeClient, obtainBy } from '../../tls/pki/acme/support.ts'

const lab = await startLab({
  certificates: { store: 'memory', key: 'p256', service: { port: 0 } },
  virtualServers: [{ protocol: 'smtp', port: 0 }],
  dns: { port: 0 },
})
afterAll(() => lab.stop())

const directory = `${lab.authorityServiceUrl}/acme/directory`

test('the lab validates dns-01 from its own zones, so that it issues wildcards', async () => {
  const added: AddedDns[] = []
  const pem = await obtainBy('dns-01', await acmeClient(directory), ['*.lab.test'], {
    create: async ({ identifier }, _, answer) => {
      added.push(lab.dns.add(`_acme-challenge.${identifier.value} TXT "${answer}"`))
    },
    remove: async () => added.pop()?.remove(),
  })
  expect(new X509Certificate(pem).subjectAltName).toBe('DNS:*.lab.test')
  expect(lab.dns.queries().slice(0, 1)).toMatchObject([
    { name: '_acme-challenge.lab.test', type: 'TXT', client: 'lab' },
  ])
})

test('a name without the record, and one of another zone, are not validated', async () => {
  for (const [name, reason] of [
    ['*.lab.test', /has no TXT record/],
    ['*.elsewhere.invalid', /cannot be read: .*REFUSED/],
  ] as const) {
    await expect(obtainBy('dns-01', await acmeClient(directory), [name])).rejects.toThrow(reason)
  }
})

test("a persistent record in the lab's zone is enough for every order until its time, by the clock of the lab", async () => {
  const account = await acmeAccount(directory)
  const until = Math.floor(lab.clock.now() / 1000) + 86_400
  lab.dns.add(
    `_validation-persist.persist.lab.test TXT "sealpost.test; accounturi=${account.getAccountUrl()};" " policy=wildcard; persistUntil=${until}"`,
  )
  const order = async (value: string) => {
    const created = await account.createOrder({ identifiers: [{ type: 'dns', value }] })
    for (const { status, challenges } of await account.getAuthorizations(created)) {
      const challenge = challenges.find(({ type }) => (type as string) === 'dns-persist-01')
      if (status === 'valid' || !challenge) continue
      await account.completeChallenge(challenge)
      await account.waitForValidStatus(challenge)
    }
    const [, csr] = await acme.crypto.createCsr({ altNames: [value] })
    return new X509Certificate(await account.getCertificate(await account.finalizeOrder(created, csr))).subjectAltName
  }
  expect(await order('persist.lab.test')).toBe('DNS:persist.lab.test')
  expect(await order('*.persist.lab.test')).toBe('DNS:*.persist.lab.test')
  await lab.clock.advance('2d')
  await expect(order('persist.lab.test')).rejects.toThrow(/persistUntil=\d+ is in the past/)
})
