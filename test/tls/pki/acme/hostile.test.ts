import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import acme from 'acme-client'
import { expect, it } from 'vitest'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { run } from '../../../support/openssl.ts'
import { type AcmeClient, acmeClient, log, serveAnswers, startAcme } from './support.ts'

type Lab = Awaited<ReturnType<typeof startAcme>>

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Sends one request with any header and payload, signed with P-256. */
async function post(lab: Lab, resource: string, key: KeyObject, header: object, payload: object) {
  const url = lab.directory.replace('directory', resource)
  const { headers } = await fetch(lab.directory.replace('directory', 'new-nonce'))
  const protectedPart = part({ alg: 'ES256', nonce: headers.get('replay-nonce'), url, ...header })
  const signed = `${protectedPart}.${part(payload)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/jose+json' },
    body: JSON.stringify({ protected: protectedPart, payload: part(payload), signature }),
  })
}

const client = (lab: Lab, options: Parameters<typeof acmeClient>[1] = {}) => acmeClient(lab.directory, options)

/** Creates an order and completes the challenges of all its names. */
async function readyOrder(lab: Lab, account: AcmeClient, names: readonly string[]) {
  await using served = await serveAnswers(lab.httpPort)
  const order = await account.createOrder({ identifiers: names.map((value) => ({ type: 'dns', value })) })
  for (const { challenges } of await account.getAuthorizations(order)) {
    const [challenge] = challenges
    if (!challenge) throw new Error('no challenge')
    served.answers.set(challenge.token, await account.getChallengeKeyAuthorization(challenge))
    await account.completeChallenge(challenge)
    await account.waitForValidStatus(challenge)
  }
  return order
}

it('additional members of a key are not stored, and the store can be read again', async () => {
  await using lab = await startAcme()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), ext: true, key_ops: ['verify'] }
  expect((await post(lab, 'new-account', privateKey, { jwk }, {})).status).toBe(201)
  const folder = lab.store.place
  await using again = await openCertificateStore({ folder, clock: systemClock, log, key: 'p256' })
  expect(again.index.acmeAccounts?.map((account) => Object.keys(account.jwk).sort())).toEqual([
    ['crv', 'kty', 'x', 'y'],
  ])
})

it('invalid headers are client errors', async () => {
  await using lab = await startAcme()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const cases: readonly (readonly [resource: string, header: object, type: string])[] = [
    ['new-account', { jwk: null }, 'badPublicKey'],
    ['new-account', { jwk: 7 }, 'badPublicKey'],
    ['new-account', { jwk: { kty: 'constructor' } }, 'badPublicKey'],
    ['new-account', { jwk: { ...jwk, x: 7 } }, 'badPublicKey'],
    ['new-account', { jwk, alg: 'constructor' }, 'badSignatureAlgorithm'],
    ['new-account', { jwk, crit: ['b64'] }, 'malformed'],
    ['new-order', { kid: 7 }, 'malformed'],
    ['constructor', { jwk }, 'malformed'],
    ['__proto__', { jwk }, 'malformed'],
  ]
  for (const [resource, header, type] of cases) {
    const response = await post(lab, resource, privateKey, header, {})
    const { type: found } = (await response.json()) as { type: string }
    expect([resource, header, found]).toEqual([resource, header, `urn:ietf:params:acme:error:${type}`])
    expect(response.status).toBeLessThan(500)
  }
})

it('a key that registers twice at the same time has one account', async () => {
  await using lab = await startAcme()
  const key = await acme.crypto.createPrivateEcdsaKey('P-256')
  const both = await Promise.all([1, 2].map(() => client(lab, { accountKey: key })))
  await Promise.all(both.map((one) => one.createAccount({ contact: ['mailto:admin@lab.test'] })))
  expect(new Set(both.map((one) => one.getAccountUrl())).size).toBe(1)
  expect(lab.store.index.acmeAccounts).toHaveLength(1)
})

it('an order that is finalized twice at the same time issues one certificate', async () => {
  await using lab = await startAcme()
  const account = await client(lab)
  await account.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await readyOrder(lab, account, ['mail.lab.test'])
  const before = (await lab.authorities.issued(lab.authority)).length
  const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test'] })
  const states = await Promise.all([account.finalizeOrder(order, csr), account.finalizeOrder(order, csr)])
  expect(states.map(({ status }) => status)).toContain('valid')
  expect(await lab.authorities.issued(lab.authority)).toHaveLength(before + 1)
})

it('an account that is authorized for all names of a certificate may revoke it', async () => {
  await using lab = await startAcme()
  const [owner, other] = [await client(lab), await client(lab)]
  for (const one of [owner, other]) await one.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await readyOrder(lab, owner, ['mail.lab.test', 'www.lab.test'])
  const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test', 'www.lab.test'] })
  const pem = await owner.getCertificate(await owner.finalizeOrder(order, csr))
  await readyOrder(lab, other, ['mail.lab.test'])
  await expect(other.revokeCertificate(pem)).rejects.toThrow(/neither by the certificate’s key nor by its account/)
  await readyOrder(lab, other, ['www.lab.test'])
  await other.revokeCertificate(pem)
  const { serialNumber } = new X509Certificate(pem)
  const found = (await lab.authorities.issued(lab.authority)).find(({ serial }) => serial === serialNumber)
  expect(found?.revoked?.reason).toBe('unspecified')
})

it('a certificate of another key with the serial number of an issued one revokes nothing', async () => {
  await using lab = await startAcme()
  const account = await client(lab)
  await account.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await readyOrder(lab, account, ['mail.lab.test'])
  const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test'] })
  const issued = new X509Certificate(await account.getCertificate(await account.finalizeOrder(order, csr)))
  const at = (name: string): string => join(lab.folder, name)
  const own = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x']
  const files = ['-keyout', at('own.key'), '-out', at('own.pem')]
  await run('openssl', [...own, ...files, '-set_serial', `0x${issued.serialNumber}`])
  const key = createPrivateKey(await readFile(at('own.key')))
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  const forged = new X509Certificate(await readFile(at('own.pem')))
  const revoke = (certificate: X509Certificate) =>
    post(lab, 'revoke-cert', key, { jwk }, { certificate: certificate.raw.toString('base64url') })
  expect(await (await revoke(forged)).text()).toMatch(/differs from the one issued/)
  expect(await (await revoke(issued)).text()).toMatch(/neither by the certificate’s key/)
  expect((await lab.authorities.issued(lab.authority)).filter(({ revoked }) => revoked)).toEqual([])
})

it('a request gets a server’s certificate for the names of the order, whatever else it asks for', async () => {
  await using lab = await startAcme()
  const at = (name: string): string => join(lab.folder, name)
  const request = async (name: string, subject: string, names: string): Promise<Buffer> => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)]
    const purposes = 'extendedKeyUsage=clientAuth,emailProtection,codeSigning'
    const wanted = ['-subj', subject, '-addext', purposes, '-addext', `subjectAltName=${names}`]
    await run('openssl', ['req', '-new', ...key, ...wanted, '-out', at(name)])
    return readFile(at(name))
  }
  const upn = await request('upn', '/', 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice')
  const mail = await request('mail', '/', 'DNS:alice,email:alice@lab.test')
  const plain = await request('plain', '/O=Bank/CN=alice/emailAddress=ceo@lab.test', 'DNS:alice')
  const account = await client(lab)
  await account.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await readyOrder(lab, account, ['alice'])
  await expect(account.finalizeOrder(order, upn)).rejects.toThrow(/for upn:alice, the order for dns:alice/)
  await expect(account.finalizeOrder(order, mail)).rejects.toThrow(/email:alice/)
  const issued = await account.getCertificate(await account.finalizeOrder(order, plain))

  await lab.authorities.createRoot({ name: 'By Hand', type: 'standalone' })
  const byHand = lab.directory.replace(/acme\/.*\/directory/, 'acme/by-hand/directory')
  const other = await acmeClient(byHand)
  await other.createAccount({ contact: ['mailto:admin@lab.test'] })
  await other.finalizeOrder(await readyOrder(lab, other, ['alice']), plain)
  const [waiting] = await lab.authorities.requests('By Hand')
  const approved = await lab.authorities.approve(waiting?.id ?? 0)

  for (const certificate of [new X509Certificate(issued), approved[0]]) {
    const { subject, subjectAltName, keyUsage } = certificate as X509Certificate
    const serverAuth = '1.3.6.1.5.5.7.3.1'
    expect({ subject, subjectAltName, keyUsage }).toEqual({
      subject: 'CN=alice',
      subjectAltName: 'DNS:alice',
      keyUsage: [serverAuth],
    })
  }
})

/** Orders a certificate for an address and answers the challenge. Returns the problem of the challenge, if it failed. */
async function validateAddress(lab: Lab, value: string): Promise<string | undefined> {
  const asking = await client(lab)
  await asking.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await asking.createOrder({ identifiers: [{ type: 'ip', value }] })
  const [challenge] = (await asking.getAuthorizations(order))[0]?.challenges ?? []
  if (!challenge) throw new Error('no challenge')
  await using served = await serveAnswers(lab.httpPort, '0.0.0.0')
  served.answers.set(challenge.token, await asking.getChallengeKeyAuthorization(challenge))
  await asking.completeChallenge(challenge)
  return await asking.waitForValidStatus(challenge).then(
    () => undefined,
    (error: Error) => error.message,
  )
}

it.each([
  '10.255.255.1',
  '172.31.255.1',
  '192.168.255.1',
  '100.64.0.1',
  '169.254.169.254',
  '192.0.2.1',
  '0.0.0.0',
  '::',
  'fd00::1',
  'fe80::1',
  '::ffff:10.255.255.1',
])('http-01 connects to no address that is neither loopback nor configured: %s', async (address) => {
  await using lab = await startAcme()
  expect(await validateAddress(lab, address)).toMatch(/certificates\.service\.acme\.from/)
})

it.each(['127.0.0.1', '127.0.0.2', '::ffff:127.0.0.1'])(
  'http-01 connects to the loopback address %s',
  async (address) => {
    await using lab = await startAcme()
    expect(await validateAddress(lab, address)).toBeUndefined()
  },
)

it('http-01 connects to configured addresses and networks', async () => {
  // A system connects 0.0.0.0 to itself.
  await using address = await startAcme({}, ['0.0.0.0'])
  expect(await validateAddress(address, '0.0.0.0')).toBeUndefined()
  await using network = await startAcme({}, ['0.0.0.0/31', 'fd00::/8'])
  expect(await validateAddress(network, '0.0.0.0')).toBeUndefined()
})

it('a web server that disconnects during its response fails the challenge', async () => {
  await using lab = await startAcme()
  const broken = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc'))
  })
  await new Promise<void>((resolve) => broken.listen(lab.httpPort, '127.0.0.1', resolve))
  const account = await client(lab)
  await account.createAccount({ contact: ['mailto:admin@lab.test'] })
  const order = await account.createOrder({ identifiers: [{ type: 'dns', value: 'mail.lab.test' }] })
  const [challenge] = (await account.getAuthorizations(order))[0]?.challenges ?? []
  if (!challenge) throw new Error('no challenge')
  await account.completeChallenge(challenge)
  await expect(account.waitForValidStatus(challenge)).rejects.toThrow(/http:\/\/mail\.lab\.test:\d+.*aborted/)
  broken.close()
})
