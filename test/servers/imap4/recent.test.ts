import { expect, test, vi } from 'vitest'
import type { LineClient } from '../../support/line-client.ts'
import { connectBy, startImapLab } from './support.ts'

const SESSIONS = 20

test('sessions that wait for the same message raise the mark of \\Recent once (RFC 3501 section 2.3.2)', async () => {
  await using lab = await startImapLab()
  const clients: LineClient[] = []
  for (let i = 0; i < SESSIONS; i++) {
    const client = await connectBy('TLS', lab)
    client.send('1 LOGIN alice secret\r\n2 SELECT INBOX\r\n')
    await client.lines((line) => /^2 OK/.test(line))
    client.send('3 IDLE\r\n')
    await client.lines((line) => /^\+/.test(line))
    clients.push(client)
  }
  const changes = vi.spyOn(lab.store, 'changeValues')
  const writer = await connectBy('TLS', lab)
  writer.send('1 LOGIN alice secret\r\n2 APPEND INBOX {1+}\r\na\r\n')
  await writer.lines((line) => /^2 OK/.test(line))
  const recents = []
  for (const client of clients) recents.push((await client.lines((line) => / RECENT$/.test(line))).at(-1))
  expect(recents.toSorted()).toEqual([...Array(SESSIONS - 1).fill('* 0 RECENT'), '* 1 RECENT'])
  expect(changes.mock.calls.filter(([{ kind }]) => kind === 'recent')).toHaveLength(1)
  for (const client of [...clients, writer]) client.destroy()
})
