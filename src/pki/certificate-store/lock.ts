import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PkiError } from '../errors.ts'
import type { StoreLock } from './files.ts'

/** What stands in the lock file: who holds it. */
interface Holder {
  readonly token: string
  readonly host: string
  readonly pid: number
  /** When the process started, where the system tells: a process number is used again. */
  readonly started: string
}

/** Tokens of the locks that this process holds: a lock with our number and another token is left from an earlier life. */
const ours = new Set<string>()

/** No change takes as long: keys are made before the lock is taken. For holders on other machines nothing else tells. */
const staleMs = 30_000
const patienceMs = 60_000

/** Field 22 of /proc/PID/stat; empty where there is no such file. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return text.slice(text.lastIndexOf(')')).split(' ')[20] ?? ''
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    return JSON.parse(text) as Holder
  } catch {
    return undefined
  }
}

/** Whether whoever holds the lock is gone. */
async function isStale(path: string, holder: Holder | undefined): Promise<boolean> {
  const age = await stat(path).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  )
  if (age > staleMs) return true
  // A lock file appears whole, by link; an unreadable one is none of ours.
  if (holder === undefined || holder.host !== hostname()) return false
  if (holder.pid === process.pid) return !ours.has(holder.token)
  return !alive(holder.pid) || (await startOf(holder.pid)) !== holder.started
}

/** Looks twice: between the first look and the verdict, the lock may have been let go and taken by another. */
const isAbandoned = async (path: string, holder: Holder | undefined): Promise<boolean> =>
  (await isStale(path, holder)) && (await readHolder(path))?.token === holder?.token

/**
 * Takes a stale lock away. The name it is moved to is made of its holder's token, so of two processes that see the same
 * stale lock the slower one notices that what it moved was another's, and puts it back.
 */
async function breakLock(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.${stale?.token ?? 'unreadable'}`
  await rename(path, aside).catch(() => {})
  const moved = await readHolder(aside)
  if (moved && moved.token !== stale?.token) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/** For file systems without hard links. */
async function createExclusively(path: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(path, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function tryLock(path: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${holder.token}`
  await writeFile(draft, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // ENOENT: swept away as a killed process's leavings; the next try writes it again.
    if (code === 'EEXIST' || code === 'ENOENT') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error
    return await createExclusively(path, holder)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Waits for the folder's lock (`.lock`). @throws PkiError `store` when a live process holds it for a minute */
export async function lockFolder(folder: string): Promise<StoreLock> {
  const path = join(folder, '.lock')
  const token = randomBytes(8).toString('hex')
  const holder: Holder = { token, host: hostname(), pid: process.pid, started: await startOf(process.pid) }
  const until = Date.now() + patienceMs
  ours.add(token)
  while (!(await tryLock(path, holder))) {
    const other = await readHolder(path)
    if (await isAbandoned(path, other)) await breakLock(path, other)
    else if (Date.now() > until) {
      ours.delete(token)
      throw new PkiError('store', `${folder} is locked by process ${other?.pid} on ${other?.host} (${path})`)
    } else await delay(5 + Math.random() * 20)
  }
  const held = async (): Promise<boolean> => (await readHolder(path))?.token === token
  const release = async (): Promise<void> => {
    if (await held()) await rm(path, { force: true })
    ours.delete(token)
  }
  return { held, release }
}
