import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PkiError } from '../errors.ts'

/** The exclusive right to change a store. */
export interface StoreLock {
  /** Returns false once another process has taken the lock because it looked abandoned. */
  held(): Promise<boolean>
  release(): Promise<void>
}

/** Content of the lock file. */
interface Holder {
  readonly token: string
  readonly host: string
  readonly pid: number
  /** Start time of the process, if the system provides it: process IDs are reused. */
  readonly started: string
}

/** Tokens of the locks that this process holds. A lock with our process ID and another token is left from an earlier process. */
const ours = new Set<string>()

/**
 * Age at which a lock counts as abandoned. No change takes that long, because keys are generated before the lock is taken.
 * For holders on other machines, age is the only sign.
 */
const staleMs = 30_000
/** How long to wait for a lock that a live process holds. */
const patienceMs = 60_000

/** Returns field 22 of /proc/PID/stat; empty if there is no such file. */
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

/** Returns whether the holder of the lock has ended. */
async function isStale(path: string, holder: Holder | undefined): Promise<boolean> {
  const age = await stat(path).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  )
  if (age > staleMs) return true
  // Sealpost creates complete lock files by `link`; an unreadable one comes from somewhere else.
  if (holder === undefined || holder.host !== hostname()) return false
  if (holder.pid === process.pid) return !ours.has(holder.token)
  return !alive(holder.pid) || (await startOf(holder.pid)) !== holder.started
}

/**
 * Returns whether a lock is abandoned. Reads its holder again after the check, because another process may have taken the
 * lock during the check.
 */
const isAbandoned = async (path: string, holder: Holder | undefined): Promise<boolean> =>
  (await isStale(path, holder)) && (await readHolder(path))?.token === holder?.token

/**
 * Removes an abandoned lock. Moves it first to a name made of its holder's token: if two processes see the same abandoned
 * lock, the slower one notices that it has moved the lock of another process and puts it back.
 */
async function breakLock(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.${stale?.token ?? 'unreadable'}`
  await rename(path, aside).catch(() => {})
  const moved = await readHolder(aside)
  if (moved && moved.token !== stale?.token) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/** Creates the lock file on file systems without hard links. */
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
    // ENOENT: another process deleted the new file as a leftover; the next attempt writes it again.
    if (code === 'EEXIST' || code === 'ENOENT') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error
    return await createExclusively(path, holder)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Waits for the lock file of a folder (`.lock`). @throws PkiError `store` if a live process holds it for a minute */
export async function lockCertificateStore(folder: string): Promise<StoreLock> {
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
