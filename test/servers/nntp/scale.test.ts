import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { nntp } from '../../../servers/nntp/session.ts'
import { articleOf, startNewsLab } from '../../support/news-lab.ts'
import { isThorough } from '../../support/thorough.ts'

const ARTICLES = 100_000
/** The most memory for a reply that a slow client does not read. The reply has 20 MB. */
const BOUND_OCTETS = 2 << 20

// A store in PostgreSQL is asked about each article.
test.runIf(isThorough)(
  '100,000 articles: GROUP and NEXT; OVER waits for a slow client and is complete in the end',
  {
    timeout: 600_000,
  },
  async () => {
    const serve = vi.spyOn(nntp, 'serve')
    onTestFinished(() => serve.mockRestore())
    await using lab = await startNewsLab()
    const folder = await lab.news.group('lab.general')
    const targets = [{ folderId: folder?.id as string }]
    for (let n = 0; n < ARTICLES; n += 1000) {
      const batch = Array.from({ length: 1000 }, (_, i) => {
        const messageId = `<${n + i}@a>`
        return { raw: articleOf(`Message-ID: ${messageId}`, ''), messageId, targets }
      })
      await lab.store.append(batch)
    }
    await lab.play(`
    C: GROUP lab.general
    S: 211 ${ARTICLES} 1 ${ARTICLES} lab.general
    C: STAT 50000
    S: 223 50000 *
    C: NEXT
    S: 223 50001 *
    C: LAST
    S: 223 50000 *
    C: OVER 99999-
    S: 224 *
  `)

    const slow = connect(lab.port, '127.0.0.1')
    slow.pause()
    slow.write('GROUP lab.general\r\nOVER 1-\r\n')
    using client = await lab.client()
    // Other sessions continue meanwhile, and the slow one stops growing.
    for (let i = 0; i < 50; i++) await client.play('C: GROUP lab.general\nS: 211 *')
    const record = lab
      .sessions()
      .find(({ localPort, remotePort }) => localPort === lab.port && remotePort === slow.localPort)
    const sent = () =>
      record?.transcript.reduce((sum, entry) => sum + (entry.kind === 'octets' ? entry.octets : 0), 0) ?? 0
    const connections = serve.mock.calls.map(([connection]) => connection)
    const connection = connections.find(({ remote }) => remote.port === slow.localPort)
    let last = -1
    await expect
      .poll(
        () => {
          // Octets that wait for the client: without them, the session may be waiting for the store.
          const still = sent() === last && (connection?.socket.writableLength ?? 0) > 0
          last = sent()
          return still
        },
        { timeout: 300_000, interval: 200 },
      )
      .toBe(true)
    // The operating system's socket buffers hold some megabytes.
    expect(last).toBeLessThan(12 << 20)
    expect(connection?.socket.writableLength).toBeLessThan(BOUND_OCTETS)

    let lines = 0
    slow.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
      if (lines >= ARTICLES + 4) slow.destroy()
    })
    slow.resume()
    await once(slow, 'close')
    // The greeting, 211, 224, the rows and the final dot.
    expect(lines).toBe(ARTICLES + 4)
  },
)

test('a search in a large group yields to other sessions', async () => {
  await using lab = await startNewsLab()
  const folder = await lab.news.group('lab.general')
  const targets = [{ folderId: folder?.id as string }]
  const raw = articleOf(`Subject: ${'a'.repeat(300)}`, '')
  await lab.store.append(Array.from({ length: 5_000 }, (_, n) => ({ raw, messageId: `<${n}@a>`, targets })))
  using searching = await lab.client()
  using other = await lab.client()
  let searched = false
  searching.send(`GROUP lab.general\r\nXPAT Subject 1- ${Array(60).fill('*a*b').join(' ')}\r\n`)
  const search = searching
    .lines((line) => line === '.')
    .then(() => {
      searched = true
    })
  await other.play('C: DATE\nS: 111 *')
  expect(searched).toBe(false)
  await search
})
