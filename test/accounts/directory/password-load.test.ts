import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'

/** Hashes of `geheim`, of different costs. */
const cheap = '$2y$04$JyqTjHsBZc8g//mm1//luu0fZfqB7Uaa1Ea6CJcPMh69Apw9evAKu'
const dear = '$2y$08$3YyBZHYRufQyR1pv1hKbUe99UdI1GPKm.MnC3XBmRrvPUPUIPWF4.'
const dearest = '$2y$12$BzRAZ9xkcT18XzaKFQUEQOkhS1tTUGPT/hVIx4DitOdokioAlvY52'

const virtualServers = [{ protocol: 'imap4' as const }]
const accounts = [
  { user: 'alice', passwordHash: dear },
  { user: 'bob', passwordHash: dear },
  { user: 'carol', passwordHash: cheap },
]

/** Begins a log-on. Resolves when the server has its line. */
async function begin(lab: TestLab, user: string, password: string): Promise<LineClient> {
  const client = await LineClient.greeted(lab.server('imap4').port as number)
  client.send(`a LOGIN ${user} ${password}\r\n`)
  return client
}

/** Waits until the lab has read the log-ons of so many clients. */
const hasLines = (lab: TestLab, count: number) =>
  expect
    .poll(() => lab.sessions().filter(({ transcript }) => /LOGIN/.test(JSON.stringify(transcript))).length, {
      timeout: 30_000,
    })
    .toBe(count)

async function answerOf(client: LineClient): Promise<string> {
  const [answer = ''] = (await client.lines((line) => /^[a-z] /.test(line))).slice(-1)
  return answer
}

async function logOn(lab: TestLab, user: string, password: string): Promise<boolean> {
  const client = await begin(lab, user, password)
  const answer = await answerOf(client)
  client.destroy()
  return answer.startsWith('a OK')
}

test('sessions go on while many clients log on at the same time', async () => {
  await using lab = await startLab({ directory: { accounts }, virtualServers })
  using session = await begin(lab, 'carol', 'geheim')
  expect(await answerOf(session)).toMatch(/^a OK/)
  let isOver = false
  const guesses = Promise.all(
    Array.from({ length: 16 }, (_, n) => logOn(lab, n % 2 ? 'alice' : `nobody${n}`, `guess${n}`)),
  )
  const all = guesses.finally(() => {
    isOver = true
  })
  let answered = 0
  for (; !isOver; answered++) {
    session.send('n NOOP\r\n')
    expect(await answerOf(session)).toMatch(/^n OK/)
  }
  expect(await all).toEqual(Array.from({ length: 16 }, () => false))
  expect(answered).toBeGreaterThan(16)
})

// Otherwise, they would take minutes.
test('nothing is computed for clients that have left', { timeout: 40_000 }, async () => {
  const directory = { accounts: [{ user: 'dora', passwordHash: dearest }, ...accounts] }
  await using lab = await startLab({ directory, virtualServers })
  const port = lab.server('imap4').port as number
  const sockets = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const socket = connect({ host: '127.0.0.1', port })
      const client = new LineClient(socket)
      await client.line()
      client.send('a LOGIN dora guess\r\n')
      return socket
    }),
  )
  await hasLines(lab, 200)
  for (const socket of sockets) socket.resetAndDestroy()
  expect(await logOn(lab, 'carol', 'geheim')).toBe(true)
})

test('an unknown name waits for its turn and takes its time like an account', async () => {
  await using lab = await startLab({
    directory: { accounts: [{ user: 'bob', passwordHash: dearest }] },
    virtualServers,
  })
  const order: string[] = []
  const answered = async (user: string): Promise<void> => {
    await logOn(lab, user, 'guess')
    order.push(user)
  }
  const known = [answered('bob'), answered('bob@lab.test')]
  await hasLines(lab, 2)
  await Promise.all([...known, answered('nobody')])
  expect(order.at(-1)).toBe('nobody')
})

test('a reload during a log-on changes neither its answer nor the accounts', async () => {
  await using lab = await startLab({ directory: { accounts }, virtualServers })
  const client = await begin(lab, 'bob', 'geheim')
  await hasLines(lab, 1)
  await lab.reload({ directory: { accounts: accounts.slice(2) }, virtualServers })
  expect(await answerOf(client)).toMatch(/^a OK/)
  client.destroy()
  expect(await logOn(lab, 'bob', 'geheim')).toBe(false)
  expect(await logOn(lab, 'carol', 'geheim')).toBe(true)
})

test('a reload takes accounts from a replaced file, and keeps them if the file is missing or wrong', async () => {
  const folder = newFolder()
  const file = join(folder, 'users')
  writeFileSync(file, `alice:${cheap}\nbob:{PLAIN}b\n`)
  const config = { directory: { accountFiles: [{ file }] }, virtualServers }
  await using lab = await startLab(config)
  expect([await logOn(lab, 'alice', 'geheim'), await logOn(lab, 'bob', 'b')]).toEqual([true, true])
  rmSync(file)
  await expect(lab.reload(config)).rejects.toThrow(
    `directory.accountFiles[0].file: cannot read ${file}: no such file or folder; check the path`,
  )
  writeFileSync(file, `alice:${cheap}\nbob:$6$x\n`)
  await expect(lab.reload(config)).rejects.toThrow(`${file}:2: the SHA-crypt hash is damaged`)
  expect([await logOn(lab, 'alice', 'geheim'), await logOn(lab, 'bob', 'b')]).toEqual([true, true])
  writeFileSync(file, 'alice:{PLAIN}new\n')
  await lab.reload(config)
  expect([await logOn(lab, 'alice', 'geheim'), await logOn(lab, 'alice', 'new')]).toEqual([false, true])
  expect(await logOn(lab, 'bob', 'b')).toBe(false)
})

test('a new password in place of a hash is the only one that logs on', async () => {
  await using lab = await startLab({ directory: { accounts }, virtualServers })
  await lab.changeAccount('alice', { password: 'changed' })
  expect([await logOn(lab, 'alice', 'geheim'), await logOn(lab, 'alice', 'changed')]).toEqual([false, true])
  await lab.changeAccount('alice')
  expect([await logOn(lab, 'alice', 'geheim'), await logOn(lab, 'alice', 'changed')]).toEqual([true, false])
})

test('settings for clients need the password', async () => {
  await using lab = await startLab({ directory: { accounts }, virtualServers })
  expect(() => lab.imapflow('alice')).toThrow(/only a hash of the password of alice is known; give the password/)
  expect(lab.imapflow({ user: 'alice', pass: 'geheim' })).toMatchObject({ auth: { user: 'alice', pass: 'geheim' } })
})
