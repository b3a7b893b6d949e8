import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { startLab } from '../../src/index.ts'

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
