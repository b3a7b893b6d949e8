import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'

test('lab.reset(): sessions with a selected mailbox receive BYE, others find an empty INBOX', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'before', text: 'x' }, { to: 'alice' })
  const open = async (): Promise<LineClient> => {
    const client = await LineClient.open(lab.server('imap4').port as number)
    client.send('l LOGIN alice secret\r\n')
    await client.lines((line) => line.startsWith('l OK'))
    return client
  }
  const [selected, idling, waiting] = [await open(), await open(), await open()]
  for (const client of [selected, idling]) {
    client.send('s SELECT INBOX\r\n')
    expect(await client.lines((line) => line.startsWith('s OK'))).toContain('* 1 EXISTS')
  }
  idling.send('i IDLE\r\n')
  expect(await idling.line()).toBe('+ idling')
  await lab.reset()
  expect(await idling.rest()).toEqual(['* BYE The selected mailbox was deleted.'])
  selected.send('n NOOP\r\n')
  expect((await selected.rest()).at(-1)).toBe('* BYE The selected mailbox was deleted.')
  waiting.send('s SELECT INBOX\r\n')
  expect(await waiting.lines((line) => line.startsWith('s OK'))).toContain('* 0 EXISTS')
  await lab.deliver({ subject: 'after', text: 'x' }, { to: 'alice' })
  waiting.send('n NOOP\r\n')
  expect(await waiting.lines((line) => line.startsWith('n OK'))).toContain('* 1 EXISTS')
  waiting.destroy()
})

test('a hundred sessions in IDLE are all notified of one message', async () => {
  await using lab = await startLab()
  const clients = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const client = await LineClient.open(lab.server('imap4').port as number)
      client.send('l LOGIN alice secret\r\ns SELECT INBOX\r\ni IDLE\r\n')
      await client.lines((line) => line.startsWith('+'))
      return client
    }),
  )
  await lab.deliver({ subject: 'news', text: 'x' }, { to: 'alice' })
  const received = await Promise.all(clients.map((client) => client.line()))
  expect(new Set(received)).toEqual(new Set(['* 1 EXISTS']))
  for (const client of clients) client.destroy()
})
