import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'

/** Names whose order, encoding or levels are special. `Public Folders/one.group` is the newsgroup. */
const NAMES = ['a', 'a b', 'a-b', 'a/b/c', 'a/b-', 'a0', 'ab', '&AOk-', '&AOk-t/x', 'a&AOk-', '&-', 'x/y', 'Public']
const PATTERNS = [
  ...['*', '%', 'a', 'a*', 'a%', 'a/*', 'a/%', 'a/b', 'a/b/c', 'a/b/c/d', '*b', '%/%', 'x', 'x/', 'nothing', 'A'],
  ...['&AOk-', '&AOk*', 'a&*', '&*', '&-', 'Public', 'Public*', 'Public Folders', 'Public Folders/*', 'Public F%'],
  ...[
    'Public Folders/one.group',
    'Public Folders/one.group2',
    'Other Users',
    'Other Users/*',
    'Other Users/bob/shared',
  ],
  ...['Other Users/bob/sh%', 'Captured', 'INBOX', 'inbox', 'IN*', 'gone', 'gone/*', 'go%'],
]

test('RFC 9051 section 6.3.9: LIST and LSUB with a pattern answer as with all names', async () => {
  await using lab = await startLab({
    directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
    news: { groups: [{ name: 'one.group' }] },
    virtualServers: [{ protocol: 'imap4' }],
  })
  const logOn = async (user: string): Promise<(command: string) => Promise<string[]>> => {
    const client = await LineClient.greeted(lab.server('imap4').port)
    const ask = async (command: string): Promise<string[]> => {
      client.send(`t ${command}\r\n`)
      const lines = await client.lines((line) => line.startsWith('t '))
      expect(lines.at(-1)).toMatch(/^t OK/)
      return lines.slice(0, -1)
    }
    await ask(`LOGIN ${user} secret`)
    return ask
  }
  const bob = await logOn('bob')
  await bob('CREATE shared')
  await bob('SETACL shared alice lr')
  const alice = await logOn('alice')
  for (const name of [...NAMES, 'gone/here']) await alice(`CREATE "${name}"`)
  for (const name of ['a', 'a/b', 'gone/here', '&AOk-', 'Public Folders/one.group']) await alice(`SUBSCRIBE "${name}"`)
  for (const name of ['gone/here', 'gone', 'x']) await alice(`DELETE ${name}`)
  // Without options, with a second pattern that matches nothing, and subscribed names.
  const forms: readonly (readonly [all: string, one: (pattern: string) => string])[] = [
    ['LIST "" *', (pattern) => `LIST "" "${pattern}"`],
    ['LIST "" * RETURN (SUBSCRIBED)', (pattern) => `LIST "" ("${pattern}") RETURN (SUBSCRIBED)`],
    ['LIST (SUBSCRIBED) "" *', (pattern) => `LIST (SUBSCRIBED) "" "${pattern}"`],
    ['LSUB "" *', (pattern) => `LSUB "" "${pattern.replace(/%/g, '*')}"`],
  ]
  for (const [all, one] of forms) {
    const lines = await alice(all)
    expect(lines.length).toBeGreaterThan(3)
    for (const pattern of PATTERNS) {
      const wildcard = one(pattern).startsWith('LSUB') ? '.*' : '[^/]*'
      const literal = pattern.replace(/^inbox$/, 'INBOX').replace(/[.+\-()]/g, String.raw`\$&`)
      const wanted = new RegExp(`^${literal.replace(/\*/g, '.*').replace(/%/g, wildcard)}$`)
      const expected = lines.filter((line) => wanted.test(/ "\/" "?(.*?)"?$/.exec(line)?.[1] ?? ''))
      expect([pattern, await alice(one(pattern))]).toEqual([pattern, expected])
    }
  }
})
