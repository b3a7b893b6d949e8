import { randomBytes } from 'node:crypto'
import { link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { delay, performance } from '../../../core/time/real-timers.ts'
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
const STALE_MS = 30_000
/** How long to wait for a lock that a live process holds. */
const PATIENCE_MS = 60_000

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
  if (age > STALE_MS) return true
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

/** Takes the lock by a link to a draft of the lock file, which stays for the next attempt. */
async function tryLock(path: string, draft: string, holder: Holder): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // Not written yet, or another process has deleted it as a leftover.
    if (code === 'ENOENT') await writeFile(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
    else if (code === 'EPERM' || code === 'ENOTSUP') return await createExclusively(path, holder)
    else throw error
    return tryLock(path, draft, holder)
  }
}

/** Longest wait between two attempts to take the lock. */
const RETRY_MS = 25
/** The lock that this process released last, and when. */
let released = { path: '', atMs: 0 }

/**
 * Lets the processes that wait for the lock try first if this process has only just released it. Otherwise a process with
 * many changes would take it again and again, and the others would almost never find it free.
 */
async function yieldToWaiters(folder: string, path: string): Promise<void> {
  if (released.path !== path || performance.now() - released.atMs > 2 * RETRY_MS) return
  const waiting = (await readdir(folder)).some((name) => name.startsWith('.lock.'))
  if (waiting) await delay(RETRY_MS + 5)
}

/** Waits for the lock file of a folder (`.lock`). @throws PkiError `store` if a live process holds it for a minute */
export async function lockCertificateStore(folder: string): Promise<StoreLock> {
  const path = join(folder, '.lock')
  const token = randomBytes(8).toString('hex')
  const holder: Holder = { token, host: hostname(), pid: process.pid, started: await startOf(process.pid) }
  const draft = `${path}.${token}`
  ours.add(token)
  try {
    await yieldToWaiters(folder, path)
    await waitForLock(folder, path, draft, holder)
  } catch (error) {
    ours.delete(token)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new PkiError('store', `${folder} does not exist any more`, { cause: error })
  } finally {
    await rm(draft, { force: true })
  }
  const held = async (): Promise<boolean> => (await readHolder(path))?.token === token
  const release = async (): Promise<void> => {
    if (await held()) await rm(path, { force: true })
    released = { path, atMs: performance.now() }
    ours.delete(token)
  }
  return { held, release }
}

async function waitForLock(folder: string, path: string, draft: string, holder: Holder): Promise<void> {
  const until = Date.now() + PATIENCE_MS
  while (!(await tryLock(path, draft, holder))) {
    const other = await readHolder(path)
    if (await isAbandoned(path, other)) await breakLock(path, other)
    else if (Date.now() > until) {
      throw new PkiError('store', `${folder} is locked by process ${other?.pid} on ${other?.host} (${path})`)
    } else await delay(5 + Math.random() * (RETRY_MS - 5))
  }
}
