import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { TestClock } from '../../support/test-clock.ts'

/** `npm run test:faults` sets 50. */
const ROUNDS = Number(process.env.SEALPOST_FULL_ROUNDS ?? (process.env.SEALPOST_LONG === '1' ? 5 : 1))
const SENDERS = 20
/** Sizes of the disk in MiB, by turns. */
const SIZES = [4, 8, 3, 6]
/** Numbers of lines of the messages that each client sends until they are refused. */
const SIZES_OF_MAIL = [
  [40, 300, 6_000],
  [6_000, 300, 40],
  [1_500, 40],
]

const CONFIG = `
store: { lmdb: disk/data }
certificates: { store: memory, key: p256 }
directory:
  accounts: [{ user: alice, password: secret }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: off }
  - { protocol: pop3, port: 0, tlsPort: off }
`

/** Mounts a small file system in memory. Only root can, and not in every container. */
function mount(folder: string, mebibytes: number): boolean {
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'sealpost-test', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const unmount = (folder: string): unknown => execFileSync('umount', ['--lazy', folder])

function canMount(): boolean {
  const place = new Workplace()
  const folder = `${place.folder}/disk`
  const isMounted = process.getuid?.() === 0 && mount(folder, 1)
  if (isMounted) unmount(folder)
  else console.warn('skipped, this process cannot mount a file system')
  place.remove()
  return isMounted
}

describe.skipIf(!canMount())(`a disk that fills up, ${ROUNDS} times`, () => {
  it(
    'never ends the lab, keeps what was accepted, and lets clients delete mail to make room',
    async () => {
      for (let round = 0; round < ROUNDS; round++) await runRound(SIZES[round % SIZES.length] as number)
    },
    ROUNDS * 60_000,
  )
})

describe.skipIf(!canMount())('a full disk with whenFull: drop-oldest', () => {
  it('accepts every message and keeps the newest', async () => {
    const place = new Workplace()
    const disk = `${place.folder}/disk`
    mount(disk, 4)
    try {
      const config = place.write('lab.yaml', CONFIG.replace('disk/data', 'disk/data, whenFull: drop-oldest'))
      const ids = Array.from({ length: 60 }, (_, i) => `dropped.${i}`)
      await withLab(place, config, async (lab) => {
        using sender = await SmtpSender.open(lab.endpoint('smtp').port ?? 0)
        for (const id of ids) {
          const reply = await sender.send(`Message-ID: ${id}\r\n\r\n${`${'x'.repeat(68)}\r\n`.repeat(1_500)}`)
          expect(reply, id).toMatch(/^250 /)
        }
        // No room can be made for a message that is larger than the disk, so none is.
        expect(await sender.send(`Subject: large\r\n\r\n${`${'x'.repeat(68)}\r\n`.repeat(80_000)}`)).toMatch(/^452 /)
        expect(await sender.send('Message-ID: last\r\n\r\nThere is room.\r\n')).toMatch(/^250 /)
      })
      const { status, stderr } = await place.run(['store', 'check', '--config', config])
      expect([status, stderr]).toEqual([0, ''])
      const kept = [...(await storedIds(`${disk}/data`))]
      expect(kept.length).toBeGreaterThan(15)
      expect(kept).toEqual([...ids, 'last'].slice(-kept.length))
    } finally {
      unmount(disk)
      rmSync(disk, { recursive: true, force: true })
    }
  }, 60_000)
})

async function runRound(mebibytes: number): Promise<void> {
  const place = new Workplace()
  const disk = `${place.folder}/disk`
  mount(disk, mebibytes)
  try {
    const config = place.write('lab.yaml', CONFIG)
    const stored = new Set<string>()
    await withLab(place, config, (lab) => fill(lab, 'first', stored))
    expect(statfsSync(disk).bavail).toBe(0)
    // The lab also starts on the full disk.
    await withLab(place, config, async (lab) => {
      await makeRoom(lab, stored)
      await fill(lab, 'second', stored)
      await makeRoom(lab, stored)
    })
    const { status, stderr } = await place.run(['store', 'check', '--config', config])
    expect([status, stderr]).toEqual([0, ''])
    expect(await storedIds(`${disk}/data`)).toEqual(stored)
  } finally {
    unmount(disk)
    rmSync(disk, { recursive: true, force: true })
  }
}

async function withLab(place: Workplace, config: string, use: (lab: StartedLab) => Promise<void>): Promise<void> {
  await using lab = await place.start(['--config', config, '--log-level', 'error'])
  await use(lab)
  // LMDB prints its errors. It must never meet the full disk.
  expect(lab.stderr.join('').match(/^[^{].*/m)).toBeNull()
  expect(await lab.end('SIGTERM')).toBe(0)
}

/** Sends messages until none fits. */
async function fill(lab: StartedLab, name: string, stored: Set<string>): Promise<void> {
  await Promise.all(
    Array.from({ length: SENDERS }, (_, i) =>
      sendUntilRefused(lab, `${name}.${i}`, SIZES_OF_MAIL[i % 3] ?? [], stored),
    ),
  )
  expect(stored.size).toBeGreaterThan(10)
}

/** Deletes messages, and expects that the lab accepts one then. */
async function makeRoom(lab: StartedLab, stored: Set<string>): Promise<void> {
  for (const id of [...(await deleteByImap(lab)), ...(await deleteByPop3(lab))]) stored.delete(id)
  using sender = await SmtpSender.open(lab.endpoint('smtp').port ?? 0)
  const id = `after ${stored.size}`
  expect(await sender.send(`Message-ID: ${id}\r\n\r\nThere is room.\r\n`)).toMatch(/^250 /)
  stored.add(id)
}

/** Sends messages of each size until one is refused. Adds the Message-IDs of the others. */
async function sendUntilRefused(
  lab: StartedLab,
  name: string,
  sizes: readonly number[],
  stored: Set<string>,
): Promise<void> {
  using sender = await SmtpSender.open(lab.endpoint('smtp').port ?? 0)
  for (const lines of sizes) {
    for (let i = 0; ; i++) {
      const id = `${name}.${lines}.${i}`
      const reply = await sender.send(`Message-ID: ${id}\r\n\r\n${`${'x'.repeat(68)}\r\n`.repeat(lines)}`)
      if (!reply.startsWith('250')) {
        expect(reply).toBe('452 4.3.1 Insufficient system storage')
        break
      }
      stored.add(id)
    }
  }
}

/** Marks and expunges half of the messages, moves three to the Trash and empties it. Returns their Message-IDs. */
async function deleteByImap(lab: StartedLab): Promise<string[]> {
  const client = await LineClient.open(lab.endpoint('imap4').port ?? 0)
  const command = async (text: string): Promise<string[]> => {
    client.send(`a ${text}\r\n`)
    const lines = await client.lines((line) => line.startsWith('a '))
    expect(lines.at(-1), text).toMatch(/^a OK/)
    return lines
  }
  await client.line()
  await command('LOGIN alice secret')
  const selected = await command('SELECT INBOX')
  const exists = Number(/^\* (\d+) EXISTS$/m.exec(selected.join('\n'))?.[1])
  const half = Math.ceil(exists / 2)
  const fetched = await command(`FETCH 1:${half + 3} BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]`)
  await command(`STORE 1:${half} +FLAGS (\\Deleted)`)
  await command('EXPUNGE')
  await command('MOVE 1:3 Trash')
  await command('SELECT Trash')
  await command('STORE 1:* +FLAGS (\\Deleted)')
  await command('CLOSE')
  client.destroy()
  return fetched.flatMap((line) => /^Message-ID: (.*)$/.exec(line)?.[1] ?? [])
}

/** Deletes the first message. Returns its Message-ID. */
async function deleteByPop3(lab: StartedLab): Promise<string[]> {
  const client = await LineClient.open(lab.endpoint('pop3').port ?? 0)
  const command = async (text: string): Promise<string | undefined> => {
    client.send(`${text}\r\n`)
    const reply = await client.line()
    expect(reply, text).toMatch(/^\+OK/)
    return reply
  }
  await client.line()
  await command('USER alice')
  await command('PASS secret')
  await command('TOP 1 0')
  const header = await client.lines((line) => line === '.')
  await command('DELE 1')
  await command('QUIT')
  client.destroy()
  return header.flatMap((line) => /^Message-ID: (.*)$/.exec(line)?.[1] ?? [])
}

async function storedIds(folder: string): Promise<Set<string>> {
  await using store = await openLmdbStore(folder, { clock: new TestClock(), log: pino({ level: 'silent' }) })
  const ids = new Set<string>()
  for (const { id } of await store.listFolders(accountOwner('alice'))) {
    for (const { uid } of await store.list(id)) {
      const text = (await store.read(id, uid))?.toString('latin1') ?? ''
      ids.add(/^Message-ID: (.*)\r$/m.exec(text)?.[1] ?? '')
    }
  }
  return ids
}
