import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { startNewsLab } from '../../support/news-lab.ts'

/** Sends commands and returns every octet of the replies. */
async function exchange(port: number, ...pieces: (Buffer | string)[]): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const piece of pieces) socket.write(piece)
  socket.write('QUIT\r\n')
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

/** Dot-stuffs an article. A bare LF does not end a line, so a dot after it stays single. RFC 3977 section 3.1.1. */
function stuffed(raw: Buffer): Buffer {
  const text = raw.toString('latin1')
  const lines = text.split('\r\n').map((line) => (line.startsWith('.') ? `.${line}` : line))
  return Buffer.from(`${lines.join('\r\n')}.\r\n`, 'latin1')
}

/** Encodes data with yEnc: lines of 128 octets, where only NUL, LF, CR and `=` are escaped. */
function yEncoded(data: Buffer): Buffer {
  const out: number[] = [...Buffer.from(`=ybegin line=128 size=${data.length} name=a.bin\r\n`)]
  let column = 0
  for (const octet of data) {
    const encoded = (octet + 42) & 0xff
    const critical = [0x00, 0x0a, 0x0d, 0x3d].includes(encoded)
    out.push(...(critical ? [0x3d, (encoded + 64) & 0xff] : [encoded]))
    if (++column % 128 === 0) out.push(0x0d, 0x0a)
  }
  return Buffer.concat([Buffer.from(out), Buffer.from(`\r\n=yend size=${data.length}\r\n`)])
}

const random = seededRandom(5)
const bodies: readonly (readonly [string, Buffer])[] = [
  ['yEnc', yEncoded(Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(random() * 256))))],
  ['8-bit text', Buffer.from('Gr\xfc\xdfe\r\n\xff\xfe\xfd\x80\r\n', 'latin1')],
  ['dots', Buffer.from('.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n')],
  ['a line of 1 MB', Buffer.from(`.${'x'.repeat(1 << 20)}\r\n.\r\n`)],
  ['bare CR, LF and NUL', Buffer.from('a\rb\nc\0d\r\n.e\r\n', 'latin1')],
]

test.each(bodies)('an article is returned octet for octet: %s', async (_, body) => {
  await using lab = await startNewsLab()
  const header = 'Message-ID: <1@a>\r\nFrom: a@b\r\nSubject: x\r\nNewsgroups: lab.general\r\n\r\n'
  const article = Buffer.concat([Buffer.from(header), body])
  const posted = await exchange(lab.port, 'POST\r\n', stuffed(article))
  expect(posted.toString('latin1')).toMatch(/^200 .*\r\n340 .*\r\n240 /)
  const answer = await exchange(lab.port, 'BODY <1@a>\r\n')
  const start = answer.indexOf('222 ')
  const from = answer.indexOf('\r\n', start) + 2
  const until = answer.lastIndexOf('205 ')
  expect(answer.subarray(from, until).equals(stuffed(body))).toBe(true)
})

test('RFC 3977 section 3.1: the length limit counts octets, even if they are not UTF-8', async () => {
  await using lab = await startNewsLab()
  const command = (octets: number): Buffer => Buffer.concat([Buffer.from('GROUP '), Buffer.alloc(octets, 0xe4)])
  const end = Buffer.from('\r\n')
  const replies = await exchange(lab.port, command(506), end, command(507), end)
  expect(replies.toString('latin1').match(/^[45]\d\d/gm)).toEqual(['411', '501'])
})
