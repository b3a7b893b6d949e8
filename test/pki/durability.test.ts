import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryFiles, type StoreFiles } from '../../src/pki/certificate-store/files.ts'
import { Journal } from '../../src/pki/certificate-store/journal.ts'
import { openCertificateStore } from '../../src/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../src/pki/certificate-store/types.ts'
import { mainFile } from '../support/sealpost.ts'
import { storeOptions, temporaryFolder } from './support.ts'

const yaml =
  'hostname: localhost\ncertificates: { store: certs, key: p256 }\nvirtualServers: [{ protocol: smtp }, { protocol: pop3 }]\n'
const smtp = 'Default SMTP Virtual Server'

function command(folder: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [mainFile, ...args, '--config', 'lab.yaml'], { cwd: folder, stdio: 'ignore' })
}

/** What must hold of a store whatever happened: it opens, and every certificate in it can be worn. */
async function assertWhole(path: string): Promise<CertificateStore> {
  const store = await openCertificateStore(storeOptions(path))
  for (const record of store.index.certificates) await store.materials.load(record)
  for (const request of store.index.requests) await store.materials.read(request.request)
  for (const thumbprint of Object.values(store.index.assignments)) store.find(thumbprint)
  return store
}

describe('a store whose commands are killed at any moment', () => {
  it('opens in the old state or the new one', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'lab.yaml'), yaml)
    const path = join(folder.path, 'certs')
    const verbs = [
      ['cancel', smtp],
      ['request', '--for', 'smtp', '--out', 'r'],
      ['issue', '--for', 'pop3', '--cn', 'localhost'],
      ['renew', '--for', 'pop3'],
    ]
    for (let round = 0; round < 16; round++) {
      const before = existsSync(join(path, 'store.json')) ? readFileSync(join(path, 'store.json'), 'utf8') : ''
      const child = command(folder.path, 'cert', ...(verbs[round % verbs.length] ?? []))
      const ended = once(child, 'exit')
      // Somewhere from the start of the process to beyond its end.
      await Promise.race([delay(150 + Math.random() * 450), ended])
      child.kill('SIGKILL')
      await ended
      await using store = await assertWhole(path)
      // A command is one change; making the root of a new store is another.
      const previous = before === '' ? store.index.revision : JSON.parse(before).revision
      expect(store.index.revision - previous).toBeLessThanOrEqual(1)
    }
  })

  it('does so in the midst of hundreds of changes', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'certs')
    await (await openCertificateStore(storeOptions(path))).close()
    const script = `
      const { openCertificateStore } = await import(process.argv[1])
      const log = { info() {}, warn() {}, error() {} }
      const store = await openCertificateStore({ folder: process.argv[2], clock: Date, log, key: 'p256' })
      for (let n = 0; ; n++) {
        await store.resolve('a', { kind: 'auto' }, ['name' + n + '.test'])
        process.stdout.write('.')
      }`
    const module = new URL('../../dist/src/pki/certificate-store/store.js', import.meta.url).href
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, module, path])
      for (let changes = Math.random() * 12; changes > 0; changes--) await once(child.stdout, 'data')
      await delay(Math.random() * 15)
      child.kill('SIGKILL')
      await once(child, 'exit')
      await (await assertWhole(path)).close()
    }
    await using store = await assertWhole(path)
    expect(store.index.certificates.length).toBeGreaterThan(0)
    // The first change after a kill clears away what it left.
    await store.resolve('a', { kind: 'auto' }, ['last.test'])
    const kept = new Set(store.index.certificates.map((record) => record.certificate.replace('certificates/', '')))
    expect(new Set(readdirSync(join(path, 'certificates')))).toEqual(kept)
    expect(readdirSync(path).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('takes over the lock of a process that is gone, and clears away what it left', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'certs')
    await (await openCertificateStore(storeOptions(path))).close()
    const gone = spawn(process.execPath, ['-e', ''])
    await once(gone, 'exit')
    const holder = { token: 'dead', host: hostname(), pid: gone.pid, started: '1' }
    await writeFile(join(path, '.lock'), JSON.stringify(holder))
    await mkdir(join(path, 'requests'), { recursive: true })
    await writeFile(join(path, 'requests/half-done.pem'), 'nothing')
    await using store = await openCertificateStore(storeOptions(path))
    await store.resolve('a', { kind: 'auto' }, ['localhost'])
    expect(existsSync(join(path, '.lock'))).toBe(false)
    expect(existsSync(join(path, 'requests/half-done.pem'))).toBe(false)
  })

  it('waits while a live process holds the lock', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'certs')
    await using store = await openCertificateStore(storeOptions(path))
    let release = (): void => {}
    const holding = store.update(() => new Promise<void>((done) => void (release = done)))
    await using other = await openCertificateStore(storeOptions(path, { makeRoot: false }))
    const waiting = other.update(() => 'second')
    expect(await Promise.race([waiting, delay(200, 'still waiting')])).toBe('still waiting')
    release()
    await holding
    expect(await waiting).toBe('second')
  })
})

describe('processes that change a store at once', () => {
  it('lose nothing of each other', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'certs')
    const stores = await Promise.all(Array.from({ length: 4 }, () => openCertificateStore(storeOptions(path))))
    const revisions = stores.map(({ index }) => index.defaultAuthority)
    expect(new Set([stores[0]?.index.defaultAuthority]).size).toBe(1)
    expect(revisions).toHaveLength(4)
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

  it('and neither do commands', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'lab.yaml'), yaml)
    const children = Array.from({ length: 5 }, (_, n) => command(folder.path, 'ca', 'create', 'root', `Root ${n}`))
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
    expect(codes).toEqual([0, 0, 0, 0, 0])
    await using store = await assertWhole(join(folder.path, 'certs'))
    // Five that were asked for, and the lab's own: once, though five processes found the store without it.
    expect(store.index.authorities).toHaveLength(6)
    const leftovers = readdirSync(join(folder.path, 'certs'), { recursive: true }).filter((name) =>
      /\.tmp$|\.lock/.test(String(name)),
    )
    expect(leftovers).toEqual([])
  })
})

it('a look at the folder that takes long does not undo what is changed meanwhile', async () => {
  const files = memoryFiles()
  let held: Promise<void> | undefined
  let letGo = (): void => {}
  const slow: StoreFiles = {
    ...files,
    async read(path) {
      const text = await files.read(path)
      const hold = held
      held = undefined
      await hold
      return text
    },
  }
  const journal = new Journal(
    slow,
    async () => '',
    async () => {},
  )
  const change = (name: string) =>
    journal.update((draft) => {
      draft.index.assignments[name] = 'A'
    })
  await change('one')
  held = new Promise((resolve) => {
    letGo = resolve
  })
  const [look, made] = [journal.refresh(), change('two')]
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  letGo()
  await Promise.all([look, made])
  expect(Object.keys(journal.index.assignments)).toEqual(['one', 'two'])
})
