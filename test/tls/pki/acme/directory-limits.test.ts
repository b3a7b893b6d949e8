import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { readDirectory } from '../../../../src/tls/pki/acme/client/directory.ts'

test('an ACME directory without a length is read up to a limit', async () => {
  let padding = ''
  const server = createServer((_, response) => {
    response.on('error', () => {})
    response.write(padding === '' ? ' ' : padding)
    response.end('{"newOrder":"https://acme.test/order"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/directory`
  expect(await readDirectory(url, undefined)).toEqual({ newOrder: 'https://acme.test/order' })
  padding = ' '.repeat(1024 * 1024)
  await expect(readDirectory(url, undefined)).rejects.toThrow(/the response has more than 1048576 octets/)
  server.close()
})
