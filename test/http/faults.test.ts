import { afterEach, expect, it } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { HttpLab } from './client.ts'

let http: HttpLab
afterEach(() => http[Symbol.asyncDispose]())

it('lists the faults of the configuration and those that were added, with how often each has happened', async () => {
  http = await HttpLab.start({
    faults: [
      { name: 'busy', when: { protocol: 'pop3', verb: 'CAPA' }, do: { reply: '-ERR busy' }, times: 2 },
      { name: 'never', when: { protocol: 'pop3', verb: 'TOP' }, do: { reply: '-ERR no' } },
    ],
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
