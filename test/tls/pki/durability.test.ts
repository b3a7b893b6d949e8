import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import type { StoreFiles } from '../../../src/tls/pki/certificate-store/files.ts'
import { Journal } from '../../../src/tls/pki/certificate-store/journal.ts'
import { memoryFiles } from '../../../src/tls/pki/certificate-store/memory-files.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { certificatesOf } from '../../../src/tls/pki/lifecycle/certificates.ts'
import { newFolder } from '../../support/folder.ts'
import { isLong } from '../../support/long.ts'
import { mainFile } from '../../support/sealpost.ts'
import { deferred, storeOptions } from './support.ts'

/** Printed if a test fails. SEALPOST_SEED repeats a run. */
const seed = Number(process.env.SEALPOST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const random = seededRandom(seed)
const upTo = (max: number): number => 1 + Math.floor(random() * max)

beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(`SEALPOST_SEED=${seed}`)))

const protocols = ['smtp', 'pop3', 'imap4'] as const
const yaml = `hostname: localhost
certificates: { store: certs, key: p256 }
virtualServers: [${protocols.map((protocol) => `{ protocol: ${protocol} }`).join(', ')}]
`
const killPlugin = new URL('./kill-at.mjs', import.meta.url).href

/** Runs `sealpost` and kills it right before its Nth change of the file system. Returns whether it got that far. */
async function runAndKill(folder: string, killAt: number, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', killPlugin, mainFile, ...args, '--config', 'lab.yaml'], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, SEALPOST_KILL_AT: String(killAt) },
  })
  const [code, signal] = await once(child, 'exit')
  if (signal !== 'SIGKILL') expect(code, `${args.join(' ')}, killed at ${killAt}`).toBe(0)
  return signal === 'SIGKILL'
}

const revisionOf = (folder: string): number => {
  const index = join(folder, 'certs/store.json')
  return existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')).revision : 0
}

/** Checks that a store opens, and that everything its index refers to can be used. */
async function openChecked(path: string): Promise<CertificateStore> {
  const store = await openCertificateStore(storeOptions(path, { makeRoot: false }))
  for (const record of store.index.certificates) await store.materials.load(record)
  for (const request of store.index.requests) await store.materials.read(request.request)
  for (const thumbprint of Object.values(store.index.assignments)) await store.find(thumbprint)
  return store
}

describe('a command that is killed during a change', () => {
  let base: string
  let empty: string

  beforeAll(async () => {
    base = newFolder()
    empty = newFolder()
    for (const path of [base, empty]) await writeFile(join(path, 'lab.yaml'), yaml)
    await using store = await openCertificateStore(storeOptions(join(base, 'certs')))
    const certificates = certificatesOf(store, () => ({
      hostname: 'localhost',
      names: ['localhost'],
      virtualServers: protocols.map((name) => ({
        name: `Default ${name.toUpperCase()} Virtual Server`,
        protocol: name,
        address: '127.0.0.1',
        certificate: { kind: 'auto' },
      })),
    }))
    await certificates.request({ for: 'smtp' })
    await certificates.issue({ for: 'pop3' })
  })

  it.each([
    { change: 'creating the root', on: 'empty', args: ['ca', 'list'] },
    { change: 'cancelling a request', on: 'base', args: ['cert', 'cancel', 'smtp'] },
    { change: 'preparing a request', on: 'base', args: ['cert', 'request', '--for', 'imap4', '--out', 'r'] },
    { change: 'issuing', on: 'base', args: ['cert', 'issue', '--for', 'imap4', '--cn', 'localhost'] },
    { change: 'renewing', on: 'base', args: ['cert', 'renew', '--for', 'pop3'] },
  ])('leaves the old state or the new one: $change', { timeout: 120_000 }, async ({ on, args }) => {
    const from = on === 'empty' ? empty : base
    // The long form kills at every change of the file system that the command makes.
    for (let killAt = isLong ? 1 : upTo(24), killed = true; killed; killAt++) {
      const folder = newFolder()
      await cp(from, folder, { recursive: true })
      killed = (await runAndKill(folder, killAt, args)) && isLong
      await using store = await openChecked(join(folder, 'certs'))
      const revisions = [revisionOf(from), revisionOf(from) + 1]
      expect(revisions, `killed at ${killAt}`).toContain(store.index.revision)
    }
  })
})

it('a process that is killed in the midst of many changes leaves a store that works', {
  timeout: 120_000,
}, async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await (await openCertificateStore(storeOptions(path))).close()
  const script = `
    const { openCertificateStore } = await import(process.argv[1])
    const log = { info() {}, warn() {}, error() {} }
    const store = await openCertificateStore({ folder: process.argv[2], clock: Date, log, key: 'p256' })
    for (let n = 0; ; n++) await store.resolve('a', { kind: 'auto' }, ['name' + n + '.test'])`
  const module = new URL('../../../dist/src/tls/pki/certificate-store/store.js', import.meta.url).href
  for (let round = 0; round < (isLong ? 40 : 8); round++) {
    const killAt = upTo(60)
    const args = ['--import', killPlugin, '--input-type=module', '-e', script, module, path]
    const env = { ...process.env, SEALPOST_KILL_AT: String(killAt) }
    const [, signal] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit')
    expect(signal).toBe('SIGKILL')
    await (await openChecked(path)).close()
  }
  await using store = await openChecked(path)
  expect(store.index.certificates.length).toBeGreaterThan(0)
  // The first change after that deletes what the killed processes left.
  await store.resolve('a', { kind: 'auto' }, ['last.test'])
  const kept = new Set(store.index.certificates.map((record) => record.certificate.replace('certificates/', '')))
  expect(new Set(readdirSync(join(path, 'certificates')))).toEqual(kept)
  expect(readdirSync(path).filter((name) => name.startsWith('.'))).toEqual(['.reserve'])
})

describe('the lock of a store', () => {
  it('of a process that has ended is taken over, and what that process left is deleted', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    await (await openCertificateStore(storeOptions(path))).close()
    const ended = spawn(process.execPath, ['-e', ''])
    await once(ended, 'exit')
    const holder = { token: 'dead', host: hostname(), pid: ended.pid, started: '1' }
    await writeFile(join(path, '.lock'), JSON.stringify(holder))
    await mkdir(join(path, 'requests'), { recursive: true })
    await writeFile(join(path, 'requests/half-done.pem'), 'nothing')
    await using store = await openCertificateStore(storeOptions(path))
    await store.resolve('a', { kind: 'auto' }, ['localhost'])
    expect(existsSync(join(path, '.lock'))).toBe(false)
    expect(existsSync(join(path, 'requests/half-done.pem'))).toBe(false)
  })

  it('of a live process is waited for', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    await using store = await openCertificateStore(storeOptions(path))
    const [holding, released] = [deferred(), deferred()]
    const first = store.update(() => {
      holding.resolve()
      return released.promise
    })
    await using other = await openCertificateStore(storeOptions(path, { makeRoot: false }))
    await holding.promise
    // Each attempt to lock creates a file with a unique name and removes it.
    const attempts = new Set<string>()
    const attempted = deferred()
    const watcher = watch(path, (_, name) => {
      if (name?.startsWith('.lock.')) attempts.add(name)
      if (attempts.size > 0) attempted.resolve()
    })
    let done = false
    const second = other.update(() => 'second').finally(() => void (done = true))
    await attempted.promise
    watcher.close()
    expect(done).toBe(false)
    released.resolve()
    await first
    expect(await second).toBe('second')
  })
})

describe('processes that change a store at the same time', () => {
  it('do not lose changes of each other', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    const stores = await Promise.all(Array.from({ length: 4 }, () => openCertificateStore(storeOptions(path))))
    await Promise.all(
      stores.flatMap((store, at) =>
        Array.from({ length: 15 }, (_, n) =>
          store.update((draft) => {
            draft.index.assignments[`server ${at}/${n}`] = draft.put(`requests/${at}-${n}.pem`, 'x')
          }),
        ),
      ),
    )
    await using reader = await openCertificateStore(storeOptions(path))
    expect(Object.keys(reader.index.assignments)).toHaveLength(60)
    expect(reader.index.authorities).toHaveLength(1)
    for (const store of stores) await store.close()
  })

  it('by commands neither', async () => {
    const folder = newFolder()
    await writeFile(join(folder, 'lab.yaml'), yaml)
    const create = async (n: number): Promise<unknown> => {
      const args = [mainFile, 'ca', 'create', 'root', `Root ${n}`, '--config', 'lab.yaml']
      const [code] = await once(spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' }), 'exit')
      return code
    }
    const count = isLong ? 5 : 3
    const codes = await Promise.all(Array.from({ length: count }, (_, n) => create(n)))
    expect(codes).toEqual(Array(count).fill(0))
    await using store = await openChecked(join(folder, 'certs'))
    // Plus the lab's own root, which exists once although every process found the store without it.
    expect(store.index.authorities).toHaveLength(count + 1)
    const names = readdirSync(join(folder, 'certs'), { recursive: true }).map(String)
    expect(names.filter((name) => /\.tmp$|\.lock/.test(name))).toEqual([])
  })
})

it('a slow read of the folder does not undo a change made during it', async () => {
  const files = memoryFiles()
  const [reading, released] = [deferred(), deferred()]
  let isSlow = false
  const slow: StoreFiles = {
    ...files,
    async read(path) {
      const text = await files.read(path)
      if (!isSlow) return text
      isSlow = false
      reading.resolve()
      await released.promise
      return text
    },
  }
  const journal = new Journal(
    slow,
    async () => '',
    async () => {},
    () => {},
  )
  const change = (name: string) =>
    journal.update((draft) => {
      draft.index.assignments[name] = 'A'
    })
  await change('one')
  isSlow = true
  const read = journal.refresh()
  await reading.promise
  const changed = change('two')
  // Gives the change every chance to run before the read ends, which it must not.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  released.resolve()
  await Promise.all([read, changed])
  expect(Object.keys(journal.index.assignments)).toEqual(['one', 'two'])
})
