import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openClient } from '../../../../src/tls/pki/acme/client/client.ts'
import { generateKey, privateKeyPem } from '../../../../src/tls/pki/keys.ts'

it('an ACME directory that answers without end is given up', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const shortened = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100))
  onTestFinished(() => {
    shortened.mockRestore()
    server.closeAllConnections()
    server.close()
  })
  const directoryUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const client = await openClient({ directoryUrl }, privateKeyPem(await generateKey('p256')))
  await expect(client.createAccount({ termsOfServiceAgreed: true })).rejects.toThrow('did not answer within')
})
