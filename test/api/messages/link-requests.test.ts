import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { requestLinks } from '../../../src/api/messages/link-requests.ts'

const lab = {
  config: { webhooks: [], testing: { verify: { targets: [] } } },
  certificateStore: { rootPem: '' },
} as unknown as Parameters<typeof requestLinks>[0]

const server = createServer((request) => {
  if (request.url === '/switches')
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it('ends the requests that nobody waits for any more, and those after them', async () => {
  const gone = new AbortController()
  // More than are requested at a time: the last ones begin when the caller has gone.
  const urls = Array.from({ length: 9 }, (_, at) => `${base}/${at}`)
  const answers = requestLinks(lab, urls, { signal: gone.signal })
  const [{ socket }] = await once(server, 'request')
  gone.abort(new Error('gone'))
  await once(socket, 'close')
  expect((await answers).map(({ status }) => status)).toEqual(urls.map(() => 0))
})

it('reports a server that changes the protocol', async () => {
  expect(await requestLinks(lab, [`${base}/switches`])).toEqual([
    { url: `${base}/switches`, status: 0, reason: expect.stringMatching(/^101 Switching Protocols/) },
  ])
})
