import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, test } from 'vitest'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()
beforeEach(() => {
  place.write('lab.yaml', lab())
})

const lab = (store = '{ lmdb: data }', certificates = 'certs'): string => `
certificates: { store: ${certificates}, key: p256 }
store: ${store}
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers: [{ protocol: smtp, port: 0 }]
`

const config = ['--config', 'lab.yaml'] as const
const start = (): Promise<StartedLab> => place.start([...config])
/** Runs the lab once, so that it has certificates and a store. */
async function runOnce(): Promise<void> {
  await using _running = await start()
}

const backups = (): string[] => readdirSync(join(place.folder, 'backups')).sort()

async function send(running: StartedLab, subject: string): Promise<void> {
  const { port } = running.endpoint('smtp')
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  await transport.sendMail({ from: 'bob@lab.test', to: 'alice@lab.test', subject, text: subject })
}

async function subjects(): Promise<string[]> {
  const { stdout, stderr } = await place.run(['store', 'export', 'out', '--format', 'eml', ...config])
  expect(stderr).toBe('')
  const folder = join(place.folder, 'out/users/alice/INBOX')
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.eml')) : []
  expect(stdout).toContain(`${files.length} message`)
  return files.map((name) => /^Subject: (.*)\r$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1] ?? '').sort()
}

const root = (): string => readFileSync(join(place.folder, 'certs/store.json'), 'utf8')

describe('store backup and restore', () => {
  test('a backup of a running lab brings back its messages and certificates', async () => {
    let before: string
    {
      await using running = await start()
      await send(running, 'before')
      const { status, stdout, stderr } = await place.run(['store', 'backup', 'backups', ...config])
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^backups\/[\dTZ-]+: 1 message in \d+ folders?, 1 certificate\n$/)
      before = root()
      await send(running, 'after')
      expect((await place.run(['cert', 'issue', '--for', 'Default SMTP Virtual Server', ...config])).stderr).toBe('')
      const refused = await place.run(['store', 'restore', 'backups', ...config])
      expect([refused.status, refused.stderr]).toEqual([
        1,
        'sealpost: a lab of lab.yaml is running; stop it with: sealpost stop --config lab.yaml\n',
      ])
    }
    expect(root()).not.toBe(before)
    const { status, stdout, stderr } = await place.run(['store', 'restore', 'backups', ...config])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^backups\/[\dTZ-]+: restored 1 message in \d+ folders?, 1 certificate\n$/)
    expect(stderr).toMatch(/The earlier data is in .*messages\.mdb\.earlier-1\n.*\.store\.earlier-1\n/)
    expect(await subjects()).toEqual(['before'])
    expect(root()).toBe(before)
    expect((await place.run(['store', 'check', ...config])).status).toBe(0)
    expect((await place.run(['check', ...config])).stdout).toContain('no errors')
    await using again = await start()
    await send(again, 'again')
  })

  test('only the owner can read a backup, and --keep deletes older ones', async () => {
    await runOnce()
    const written: string[] = []
    for (const _ of [1, 2, 3]) {
      const { status, stdout } = await place.run(['store', 'backup', 'backups', '--keep', '2', ...config])
      expect(status).toBe(0)
      written.push(/^backups\/([\d-]+T[\d-]+Z(?:-\d)?): /.exec(stdout)?.[1] ?? stdout)
    }
    expect(backups()).toEqual(written.slice(1))
    const modes = readdirSync(join(place.folder, 'backups'), { recursive: true, withFileTypes: true }).map(
      (entry) => statSync(join(entry.parentPath, entry.name)).mode & 0o077,
    )
    expect([modes.length > 8, new Set(modes)]).toEqual([true, new Set([0])])
    for (const name of backups()) {
      expect(readdirSync(join(place.folder, 'backups', name)).sort()).toEqual([
        'backup.json',
        'certificates',
        'messages.mdb',
      ])
    }
  })

  test('says what is not in it', async () => {
    place.write('lab.yaml', lab('memory'))
    await runOnce()
    const { stdout, stderr } = await place.run(['store', 'backup', 'backups', ...config])
    expect(stdout).toMatch(/: 1 certificate\n$/)
    expect(stderr).toBe('lab.yaml keeps messages in memory: they are not in the backup\n')
  })

  test.each([
    ['memory alone', lab('memory', 'memory'), /keeps messages and certificates in memory; set store/],
    ['no store yet', lab(), /data contains no store/],
  ])('refuses %s, and leaves nothing behind', async (_, text, why) => {
    place.write('lab.yaml', text)
    const { status, stderr } = await place.run(['store', 'backup', 'backups', ...config])
    expect([status === 0, stderr]).toEqual([false, expect.stringMatching(why)])
    expect(existsSync(join(place.folder, 'backups')) ? backups() : []).toEqual([])
  })

  test('refuses to restore what it does not know, and keeps everything', async () => {
    await runOnce()
    const restore = (dir: string) => place.run(['store', 'restore', dir, ...config])
    expect((await restore('nowhere')).stderr).toBe('sealpost: nowhere does not exist\n')
    expect((await restore('certs')).stderr).toBe('sealpost: certs contains no backup\n')
    await place.run(['store', 'backup', 'backups', ...config])
    const file = join(place.folder, 'backups', backups()[0] ?? '', 'backup.json')
    const before = root()
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), format: 2, sealpost: '9.0.0' }))
    expect((await restore('backups')).stderr).toMatch(
      /was made by Sealpost 9\.0\.0, in a format that Sealpost .* cannot read/,
    )
    expect([root(), existsSync(join(place.folder, 'data/messages.mdb.earlier-1'))]).toEqual([before, false])
  })
})
