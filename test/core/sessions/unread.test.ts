import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'

it.each([
  ['before a slow command is done', { delay: '10s' }],
  ['while the server is silent', { silence: true as const }],
])('the transcript has what a client sent and did not wait for: %s', async (_, action) => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'pop3' }] })
  lab.faults.add({ when: { verb: 'CAPA' }, do: action })
  const socket = connect({ host: '127.0.0.1', port: lab.server('pop3').port })
  await once(socket, 'data')
  socket.write('CAPA\r\nUSER alice\r\nPASS se')
  socket.write('cret\r\nSTAT\r\n')
  await expect.poll(() => JSON.stringify(lab.sessions()[0]?.transcript)).toContain('CAPA')
  socket.resetAndDestroy()
  await expect.poll(() => lab.sessions()[0]?.endedAt).toBeDefined()
  const said = lab
    .sessions()[0]
    ?.transcript.flatMap((entry) => (entry.kind === 'line' && entry.direction === 'in' ? [entry.text] : []))
  expect(said).toEqual(['CAPA', 'USER alice', 'PASS ***', 'STAT'])
})

it.each([
  {
    protocol: 'smtp' as const,
    before: ['EHLO client', 'MAIL FROM:<a@x.test>', 'RCPT TO:<alice@lab.test>', 'DATA'],
    goesOn: /^354 /,
    refused: /^552 /,
    slow: 'NOOP',
  },
  { protocol: 'nntp' as const, before: ['POST'], goesOn: /^340 /, refused: /^441 /, slow: 'DATE' },
])('the transcript has what a client sent of a refused message, and after it: $protocol', async (row) => {
  const { protocol, before, goesOn, refused, slow } = row
  await using lab = await startLab({ virtualServers: [{ protocol, limits: { messageSize: '1KiB' } }] })
  lab.faults.add({ when: { verb: slow }, do: { delay: '100s' } })
  const client = await LineClient.open(lab.server(protocol).port)
  const until = async (wanted: RegExp) => expect((await client.lines((l) => wanted.test(l))).at(-1)).toMatch(wanted)
  for (const line of before) client.send(`${line}\r\n`)
  await until(goesOn)
  client.send(`Subject: x\r\n\r\n${'x'.repeat(78)}\r\n`.repeat(40))
  client.send('.\r\n')
  await until(refused)
  client.send(`${slow}\r\nHELP\r\n`)
  const shown = () => lab.sessions()[0]?.transcript ?? []
  await expect.poll(() => shown().some((entry) => entry.kind === 'line' && entry.text === slow)).toBe(true)
  client.reset()
  await expect.poll(() => lab.sessions()[0]?.endedAt).toBeDefined()
  const sent = shown().flatMap((entry) => (entry.kind === 'note' || entry.direction === 'out' ? [] : [entry]))
  expect(sent.map((entry) => (entry.kind === 'line' ? entry.text : `${entry.octets} octets`))).toEqual([
    ...before,
    `${40 * 94} octets`,
    slow,
    'HELP',
  ])
})
