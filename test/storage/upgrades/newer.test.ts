import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { version } from '../../../src/core/text/version.ts'
import { withTables } from '../../support/lmdb-file.ts'
import { Workplace } from '../../support/sealpost.ts'

const config = ['--config', 'lab.yaml'] as const
let place: Workplace

const made = new Workplace()
made.write(
  'lab.yaml',
  `certificates: { store: certs, key: p256 }
store: { lmdb: data }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers: [{ protocol: smtp, port: 0 }]
`,
)
{
  await using _lab = await made.start([...config])
}
expect((await made.run(['store', 'backup', 'backups', ...config])).status).toBe(0)

beforeEach(() => {
  place = new Workplace()
  cpSync(made.folder, place.folder, { recursive: true })
})

const path = (...parts: string[]): string => join(place.folder, ...parts)
const backup = (): string => path('backups', readdirSync(path('backups'))[0] ?? '')

/** Returns the hash of each file. LMDB writes to its lock file when a store is opened for reading. */
function contents(): Record<string, string> {
  const names = readdirSync(place.folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !statSync(path(name)).isDirectory() && !name.endsWith('.mdb-lock'),
  )
  const hashes = names.map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(path(name)))
      .digest('hex'),
  ])
  return Object.fromEntries(hashes.sort())
}

function change(file: string, newer: Record<string, unknown>): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...newer }))
}

const setFormat = (folder: string): Promise<void> =>
  withTables(folder, (table) => void table('meta').putSync('format', 99))

const commands = {
  start: ['start', ...config],
  check: ['check', ...config],
  'store check': ['store', 'check', ...config],
  'store compact': ['store', 'compact', ...config],
  'store export': ['store', 'export', 'out', ...config],
  'store backup': ['store', 'backup', 'backups', ...config],
  'store restore': ['store', 'restore', 'backups', ...config],
  'cert list': ['cert', 'list', ...config],
  'cert issue': ['cert', 'issue', '--for', 'Default SMTP Virtual Server', ...config],
} as const

async function expectRefusals(names: readonly (keyof typeof commands)[], line: string): Promise<void> {
  const before = contents()
  for (const name of names) {
    const { status, stderr } = await place.run(commands[name])
    expect([name, status === 0, stderr]).toEqual([name, false, expect.stringContaining(line)])
    expect([name, contents()]).toEqual([name, before])
  }
}

test('a message store of a newer format is refused, and nothing is changed', async () => {
  await setFormat(path('data'))
  await expectRefusals(
    ['start', 'check', 'store check', 'store compact', 'store export', 'store backup'],
    `the store has format 99, but Sealpost ${version} supports only up to format 1; use a newer Sealpost`,
  )
})

test('a certificate store of a newer version is refused, and nothing is changed', async () => {
  change(path('certs/store.json'), { version: 99, authorities: 'of another form' })
  await expectRefusals(
    ['start', 'check', 'cert list', 'cert issue', 'store backup'],
    `certs/store.json has version 99, but Sealpost ${version} supports only up to version 1; use a newer Sealpost`,
  )
})

test('a certificate store with unknown keys is refused, because a change would lose them', async () => {
  change(path('certs/store.json'), { archive: ['keys/archive.pem'] })
  await expectRefusals(['start', 'cert issue'], 'A newer Sealpost may have written it')
})

test('a backup of a newer format is refused, and nothing is changed', async () => {
  change(join(backup(), 'backup.json'), { format: 99, sealpost: '9.0.0', messages: 'of another form' })
  await expectRefusals(
    ['store restore'],
    `was made by Sealpost 9.0.0, in a format that Sealpost ${version} cannot read`,
  )
})

test('a backup with a newer store of messages or certificates is refused, and nothing is changed', async () => {
  const index = join(backup(), 'certificates/store.json')
  const before = readFileSync(index)
  change(index, { version: 99 })
  await expectRefusals(['store restore'], 'store.json has version 99')
  writeFileSync(index, before)
  await setFormat(backup())
  await expectRefusals(['store restore'], 'the store has format 99')
})

test('a configuration of a newer version is refused, and nothing is changed', async () => {
  const text = readFileSync(path('lab.yaml'), 'utf8')
  place.write('lab.yaml', `version: 2\n${text}`)
  await expectRefusals(
    ['start', 'check', 'cert list', 'cert issue', 'store backup', 'store restore'],
    `lab.yaml:1:10: version: is 2, but Sealpost ${version} supports only version 1; use a newer Sealpost`,
  )
})
