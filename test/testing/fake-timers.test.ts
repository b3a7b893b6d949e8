import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { startLab } from '../../src/testing/index.ts'

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
