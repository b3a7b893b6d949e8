import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { HttpLab } from '../servers/http/client.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('a lab answers while the timers of its process are fake', async () => {
  vi.useFakeTimers()
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
  const socket = connect(lab.server('smtp').port, '127.0.0.1').setEncoding('utf8')
  let received = ''
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (received.includes(text)) resolve()
      }
      socket.on('data', check).once('error', reject)
      check()
    })
  socket.on('data', (text: string) => {
    received += text
  })
  await until('220 ')
  socket.write('EHLO client.test\r\n')
  await until('250 ')
  socket.write('QUIT\r\n')
  await until('221 ')
  expect(received).toMatch(/^220 .*250 .*221 /s)
  socket.destroy()
})

test('waits, their limits and assertNothingSent work while timers are fake and the date is another', async () => {
  vi.useFakeTimers()
  vi.setSystemTime(new Date('2040-01-01'))
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
  await expect(lab.waitForMessage('bob', { timeout: 20 })).rejects.toThrow('no message with to "bob" within 20 ms')
  await expect(lab.waitForSession('bob', { timeout: 20 })).rejects.toThrow('within 20 ms')
  await lab.assertNothingSent()
  const waiting = lab.waitForMessage('bob')
  await lab.deliver({ subject: 'one' }, 'bob')
  expect((await waiting).receivedAt.getFullYear()).toBeLessThan(2040)
  const never = lab.waitForMessage('carol')
  vi.advanceTimersByTime(3_600_000)
  await lab.deliver({ subject: 'two' }, 'carol')
  expect((await never).subject).toBe('two')
  await expect(lab.waitForMessage('dan')).rejects.toThrow(/ within (?:2000|1\d\d\d) ms/)
})

test('waits over HTTP end in time while timers are fake', async () => {
  await using http = await HttpLab.start()
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'] })
  const { body } = await http.request('wait', { json: { to: 'bob', timeout: '20ms' } })
  expect(body.detail).toContain('arrived within 20 ms')
})
