import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { createLab } from '../../../../src/lab/create-lab.ts'
import { resolveForTests } from '../../../../src/testing/open-test-lab.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { thumbprintOf } from '../../../../src/tls/pki/certificate/certificate.ts'
import { lockCertificateStore } from '../../../../src/tls/pki/certificate-store/lock.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { certificatesOf } from '../../../../src/tls/pki/lifecycle/certificates.ts'
import { newFolder } from '../../../support/folder.ts'
import { certificateOn } from '../../../support/session-load.ts'
import { log } from '../acme/support.ts'
import { storeOptions } from '../support.ts'

const virtualServers = [{ protocol: 'imap4' as const, port: 'off' as const, tlsPort: 0 }]
const name = 'Default IMAP4 Virtual Server'

const servedOn = async (port: number, ca: string): Promise<string> => thumbprintOf(await certificateOn(port, ca))

/** Issues a certificate in a store, as another process would. Returns its thumbprint. */
async function issueIn(path: string): Promise<string> {
  await using store = await openCertificateStore(storeOptions(path))
  const certificates = certificatesOf(store, () => ({
    hostname: 'localhost',
    names: ['localhost'],
    virtualServers: [{ name, protocol: 'imap4', address: '127.0.0.1', certificate: { kind: 'auto' } }],
  }))
  const outcome = await certificates.issue({ for: 'imap4', resolver: async () => ['127.0.0.1'] })
  if (outcome.state !== 'issued') throw new Error(outcome.state)
  return outcome.record.thumbprint
}

const revisionOf = async (path: string): Promise<number> =>
  JSON.parse(await readFile(join(path, 'store.json'), 'utf8')).revision

/** Makes two branches of a store: different certificates, the same revision. */
async function branches(path: string): Promise<{ here: string; other: string; otherPath: string }> {
  const otherPath = `${path}-branch`
  await cp(path, otherPath, { recursive: true })
  const here = await issueIn(path)
  const other = await issueIn(otherPath)
  expect(await revisionOf(path)).toBe(await revisionOf(otherPath))
  return { here, other, otherPath }
}

async function replaceFolder(path: string, by: string): Promise<void> {
  await rm(path, { recursive: true })
  await rename(by, path)
}

it('a running lab follows a folder that replaces its store, and later changes in it', async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await using lab = await startLab({ certificates: { store: path, key: 'p256' }, virtualServers })
  const port = lab.server('imap4').tlsPort
  for (let round = 0; round < 3; round++) {
    const { here, other, otherPath } = await branches(path)
    await expect.poll(() => servedOn(port, lab.ca), { timeout: 20_000 }).toBe(here)
    await replaceFolder(path, otherPath)
    await expect.poll(() => servedOn(port, lab.ca), { timeout: 20_000 }).toBe(other)
    const later = await issueIn(path)
    await expect.poll(() => servedOn(port, lab.ca), { timeout: 20_000 }).toBe(later)
  }
})

it('a running lab follows a store whose parent folder is replaced', async () => {
  const folder = newFolder()
  const above = join(folder, 'above')
  const path = join(above, 'certs')
  await using lab = await startLab({ certificates: { store: path, key: 'p256' }, virtualServers })
  const port = lab.server('imap4').tlsPort
  await cp(above, `${above}-copy`, { recursive: true })
  const other = await issueIn(`${above}-copy/certs`)
  await rename(above, `${above}-old`)
  await rename(`${above}-copy`, above)
  await expect.poll(() => servedOn(port, lab.ca), { timeout: 20_000 }).toBe(other)
})

it('reload reads the store again, even if no change was noticed', async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await using store = await openCertificateStore(storeOptions(path))
  // Nothing tells this lab about changes.
  Object.assign(store, { watch: () => () => {} })
  const config = await resolveForTests({ certificates: { store: path, key: 'p256' }, virtualServers })
  {
    await using lab = await createLab(config, { log, clock: systemClock, certificateStore: store })
    const port = Number(lab.endpoints()[0]?.tlsPort)
    const { here, other, otherPath } = await branches(path)
    await lab.reload(config)
    expect(await servedOn(port, store.rootPem)).toBe(here)
    await replaceFolder(path, otherPath)
    await lab.reload(config)
    expect(await servedOn(port, store.rootPem)).toBe(other)
    await rename(path, otherPath)
    await expect(lab.reload(config)).rejects.toThrow('does not exist any more')
    expect(await servedOn(port, store.rootPem)).toBe(other)
  }
})

it('refuses a change while the folder is gone, instead of starting an empty store there', async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await using store = await openCertificateStore(storeOptions(path))
  const change = () => store.update((draft) => void (draft.index.assignments.smtp = 'A'))
  await rm(join(path, 'store.json'))
  await expect(change()).rejects.toThrow('does not exist any more')
  await rm(path, { recursive: true })
  await expect(change()).rejects.toThrow('does not exist any more')
})

it('reads a change although its own change still waits for the lock', async () => {
  const folder = newFolder()
  const path = join(folder, 'certs')
  await using store = await openCertificateStore(storeOptions(path))
  const lock = await lockCertificateStore(path)
  const waiting = store.update((draft) => void (draft.index.assignments.smtp = 'A'))
  const index = JSON.parse(await readFile(join(path, 'store.json'), 'utf8'))
  await writeFile(join(path, 'store.json'), JSON.stringify({ ...index, assignments: { pop3: 'B' } }))
  await store.refresh()
  expect(store.index.assignments).toEqual({ pop3: 'B' })
  await lock.release()
  await waiting
  expect(store.index.assignments).toEqual({ smtp: 'A', pop3: 'B' })
})

it('a process that releases the lock lets those that wait for it try first', async () => {
  const folder = newFolder()
  const path = folder
  const order: string[] = []
  const rounds = 5
  for (let round = 0; round < rounds; round++) {
    const held = await lockCertificateStore(path)
    const take = async (who: string): Promise<void> => {
      const lock = await lockCertificateStore(path)
      order.push(who)
      await lock.release()
    }
    const waiting = take('waiting')
    await expect.poll(async () => (await readdir(path)).filter((name) => name.startsWith('.lock.')).length).toBe(1)
    await held.release()
    await Promise.all([take('again'), waiting])
  }
  expect(order.filter((who, index) => index % 2 === 0 && who === 'waiting').length).toBeGreaterThan(rounds / 2)
})
