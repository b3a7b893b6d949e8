import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import acme from 'acme-client'
import { expect, test } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { freePort } from '../../../support/free-ports.ts'
import { type AcmeClient, acmeAccount, serveAnswers, startAcme } from './support.ts'

type Order = Awaited<ReturnType<AcmeClient['createOrder']>>

const WANTED = { identifiers: [{ type: 'dns', value: 'mail.lab.test' }] } as const

const order = (from: AcmeClient): Promise<Order> => from.createOrder({ identifiers: [...WANTED.identifiers] })

async function authorization(from: AcmeClient, of: Order) {
  const [only] = await from.getAuthorizations(of)
  if (!only) throw new Error('no authorization')
  return only
}

async function challenge(from: AcmeClient, of: Order, type: string) {
  const found = (await authorization(from, of)).challenges.find((one) => one.type === type)
  if (!found) throw new Error(`no ${type}`)
  return found
}

async function proveByHttp(from: AcmeClient, of: Order, port: number): Promise<void> {
  await using served = await serveAnswers(port)
  const http = await challenge(from, of, 'http-01')
  served.answers.set(http.token, await from.getChallengeKeyAuthorization(http))
  await from.completeChallenge(http)
  await from.waitForValidStatus(http)
}

test('a challenge that fails later leaves a valid or deactivated authorization as it is', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  await using lab = await startAcme({}, [], { tlsAlpnPort: port })
  const account = await acmeAccount(lab.directory)
  for (const isDeactivated of [false, true]) {
    const ordered = await order(account)
    const connected = once(silent, 'connection')
    await account.completeChallenge(await challenge(account, ordered, 'tls-alpn-01'))
    await connected
    await proveByHttp(account, ordered, lab.httpPort)
    if (isDeactivated) await account.deactivateAuthorization(await authorization(account, ordered))
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect
      .poll(async () => (await challenge(account, ordered, 'tls-alpn-01')).status, { timeout: 20_000 })
      .toBe('invalid')
    expect((await authorization(account, ordered)).status).toBe(isDeactivated ? 'deactivated' : 'valid')
    expect((await account.getOrder(ordered)).status).toBe(isDeactivated ? 'invalid' : 'ready')
    if (!isDeactivated) await account.deactivateAuthorization(await authorization(account, ordered))
  }
  silent.close()
})

test('an order expires with its authorizations, which are used again while they last', async () => {
  const httpPort = await freePort()
  await using lab = await startLab({
    virtualServers: [{ protocol: 'smtp', port: 0 }],
    certificates: { service: { port: 0, acme: { httpPort } } },
  })
  const account = await acmeAccount(`${lab.authorityServiceUrl}/acme/directory`)
  const first = await order(account)
  await proveByHttp(account, first, httpPort)
  await lab.clock.advance('6h')
  const second = await order(account)
  expect(second.status).toBe('ready')
  expect(second.expires).toBe(first.expires)
  await lab.clock.advance('17h')
  const late = await order(account)
  expect(late.status).toBe('pending')
  await lab.clock.advance('2h')
  expect((await authorization(account, second)).status).toBe('expired')
  const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test'] })
  await expect(account.finalizeOrder(second, csr)).rejects.toThrow(/the order is invalid/)
  await proveByHttp(account, late, httpPort)
  expect((await account.finalizeOrder(late, csr)).status).toBe('valid')
})
