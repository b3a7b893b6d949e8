import { afterEach, expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { HttpLab } from './client.ts'

let http: HttpLab
afterEach(() => http[Symbol.asyncDispose]())

it('lists the faults of the configuration and those that were added, with how often each has happened', async () => {
  http = await HttpLab.start({
    testing: {
      faults: [
        { name: 'busy', when: { protocol: 'pop3', verb: 'CAPA' }, do: { reply: '-ERR busy' }, times: 2 },
        { name: 'never', when: { protocol: 'pop3', verb: 'TOP' }, do: { reply: '-ERR no' } },
      ],
    },
    virtualServers: [
      { protocol: 'pop3', certificate: 'none' },
      { protocol: 'http', certificate: 'none' },
    ],
  })
  const added = { name: 'later', when: { protocol: 'pop3', verb: 'UTF8' }, do: { reply: '-ERR later' } }
  await http.request('faults', { json: added })
  const client = await LineClient.open(http.lab.server('pop3').port)
  client.send('CAPA\r\nCAPA\r\nCAPA\r\nUTF8\r\nQUIT\r\n')
  await client.rest()
  const hits = async (): Promise<unknown> =>
    (await http.request('faults')).body.items.map(
      (one: { id: string | null; fault: { name: string }; hits: number }) => [one.id, one.fault.name, one.hits],
    )
  expect(await hits()).toEqual([
    [null, 'busy', 2],
    [null, 'never', 0],
    ['f1', 'later', 1],
  ])
  await http.request('reset', { json: {} })
  expect(await hits()).toEqual([
    [null, 'busy', 0],
    [null, 'never', 0],
  ])
})

it('changes a fault in its place, which is counted from zero, and refuses a change of what another has changed', async () => {
  http = await HttpLab.start({
    virtualServers: [
      { protocol: 'pop3', certificate: 'none' },
      { protocol: 'http', certificate: 'none' },
    ],
  })
  const replies = async (): Promise<string> => {
    const client = await LineClient.open(http.lab.server('pop3').port)
    client.send('CAPA\r\nUTF8\r\nQUIT\r\n')
    return (await client.rest()).join('\n')
  }
  const first = { name: 'first', when: { protocol: 'pop3', verb: 'CAPA' }, do: { reply: '-ERR one' }, times: 1 }
  const { body: created, headers } = await http.request('faults', { json: first })
  const second = { when: { protocol: 'pop3' }, do: { delay: '1ms' } }
  await http.request('faults', { json: second })
  await replies()
  const path = `faults/${created.id}`
  const read = await http.request(path)
  expect(read.body).toEqual({ ...created, hits: 1 })
  // Another hit is another answer, but no change.
  expect(read.headers.get('etag')).not.toBe(headers.get('etag'))

  const change = (json: object, ifMatch?: string | null) =>
    http.request(path, { method: 'PATCH', json, headers: ifMatch ? { 'if-match': ifMatch } : {} })
  const alice = await change(
    { when: { verb: 'UTF8' }, do: { reply: '-ERR two' }, times: null },
    read.headers.get('etag'),
  )
  const fault = { name: 'first', when: { protocol: 'pop3', verb: 'UTF8' }, do: { reply: '-ERR two' } }
  expect([alice.status, alice.body]).toMatchObject([200, { id: created.id, fault, hits: 0 }])
  expect(alice.body.etag).not.toBe(created.etag)
  for (const tag of [read.headers.get('etag'), `"${created.etag}"`, '"other"', `W/"${alice.body.etag}"`]) {
    const bob = await change({ times: 5 }, tag)
    expect([bob.status, bob.body.type], `${tag}`).toEqual([412, expect.stringMatching(/precondition-failed$/)])
    expect(bob.body.detail).toContain(`GET /api/v1/${path}`)
  }
  const removed = await http.request(path, { method: 'DELETE', headers: { 'if-match': `"${created.etag}"` } })
  expect(removed.status).toBe(412)
  const answered = await replies()
  expect(answered).toMatch(/^\+OK[^]*-ERR two\n/)
  expect(answered).not.toContain('-ERR one')
  const { items } = (await http.request('faults')).body
  expect(items.map(({ id, hits }: { id: string; hits: number }) => [id, hits > 0])).toEqual([
    [created.id, true],
    ['f2', true],
  ])

  expect((await change({ do: { repl: 'x' } })).status).toBe(422)
  expect((await http.request(path)).body.fault).toEqual(fault)
  expect((await change({ times: 5 }, '*')).status).toBe(200)
  const last = await change({ times: 6, ifMatch: (await http.request(path)).body.etag })
  expect(last.body.fault).toEqual({ ...fault, times: 6 })
  const gone = await http.request(path, { method: 'DELETE', headers: { 'if-match': last.headers.get('etag') ?? '' } })
  expect([gone.status, (await http.request(path)).status]).toEqual([204, 404])
  expect((await change({ times: 7 })).status).toBe(404)
})

it('a fault that names neither protocol nor virtual server leaves the API alone', async () => {
  http = await HttpLab.start({
    virtualServers: [
      { protocol: 'pop3', certificate: 'none' },
      { protocol: 'http', certificate: 'none' },
    ],
  })
  const added = await http.request('faults', { json: { when: { on: 'connect' }, do: { reply: '-ERR Too busy' } } })
  const client = await LineClient.open(http.lab.server('pop3').port)
  expect(await client.rest()).toEqual(['-ERR Too busy'])
  const fresh = { headers: { connection: 'close' } }
  expect((await http.request(`faults/${added.body.id}`, fresh)).body).toMatchObject({ hits: 1 })
  await http.request('faults', { ...fresh, json: { when: { on: 'connect', protocol: 'http' }, do: { drop: 'rst' } } })
  await expect(fetch(`${http.base}/livez`, fresh)).rejects.toThrow()
})
