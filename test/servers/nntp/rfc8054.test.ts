import { once } from 'node:events'
import { connect } from 'node:net'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { expect, test } from 'vitest'
import { startNewsLab } from '../../support/news-lab.ts'

test('RFC 8054: COMPRESS DEFLATE, its errors, and the commands it forbids', async () => {
  await using lab = await startNewsLab()
  for (let n = 1; n <= 50; n++) await lab.post(`Message-ID: <${n}@a>`)
  await lab.play('C: COMPRESS NONSENSE\nS: 503 *\nC: COMPRESS\nS: 501 *')
  const socket = connect(lab.port, '127.0.0.1')
  const [greeting] = await once(socket, 'data')
  expect(String(greeting)).toMatch(/^200 /)
  socket.write('COMPRESS DEFLATE\r\n')
  const [reply] = await once(socket, 'data')
  expect(String(reply)).toMatch(/^206 .*\r\n$/)
  const out = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
  const inflate = createInflateRaw()
  out.pipe(socket)
  socket.pipe(inflate)
  const commands = [
    'COMPRESS DEFLATE',
    'STARTTLS',
    'AUTHINFO USER alice',
    'CAPABILITIES',
    'GROUP lab.general',
    'OVER 1-',
    'QUIT',
  ]
  out.write(`${commands.join('\r\n')}\r\n`)
  let text = ''
  for await (const chunk of inflate) text += chunk
  const lines = text.split('\r\n')
  expect(lines.slice(0, 3).map((line) => line.slice(0, 3))).toEqual(['502', '502', '502'])
  expect(lines.filter((line) => /^(AUTHINFO|COMPRESS|STARTTLS)/.test(line))).toEqual([])
  expect(lines.filter((line) => /^\d+\tA subject\t/.test(line))).toHaveLength(50)
  expect(lines.at(-2)).toMatch(/^205 /)
})
