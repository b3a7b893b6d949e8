import { expect, it } from 'vitest'
import { problems } from '../../../src/api/problem.ts'
import { HttpLab } from './client.ts'
import { RawClient } from './raw-client.ts'

it.each(['connections', 'connectionsPerAddress'])('a client over limits.%s gets a problem document', async (limit) => {
  await using http = await HttpLab.start({
    virtualServers: [{ protocol: 'http', certificate: 'none', limits: { [limit]: 1 } }],
  })
  const { port = 0 } = http.lab.server('http')
  using first = new RawClient(port)
  first.send('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect((await first.answer())?.status).toBe(200)
  using second = new RawClient(port)
  const { status, headers, body = '' } = (await second.answer()) ?? {}
  expect([status, headers?.get('content-type')]).toEqual([503, 'application/problem+json'])
  expect(headers?.get('retry-after')).toMatch(/^\d+$/)
  expect(JSON.parse(body)).toEqual({
    type: '/api/docs#problem-busy',
    title: problems.busy.title,
    status: 503,
    detail: expect.stringMatching(/try again later$/),
  })
})
