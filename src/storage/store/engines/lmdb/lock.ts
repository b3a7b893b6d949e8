import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import { clearTimeout, setTimeout } from '../../../../core/time/real-timers.ts'
import { StoreError } from '../../errors.ts'

/** The reply of the process that holds the lock to a process that tries to open the folder. */
interface Owner {
  readonly pid: number
  readonly nonce: string
}

/** How long a process that has the lock may take to answer. A stopped one (SIGSTOP) never does. */
const ANSWER_MS = 5_000
const SILENT = 'silent'

/** Longest socket path that every system supports. */
const SOCKET_PATH_OCTETS = 100

/**
 * Locks a folder for the lifetime of this process: it listens on a socket in the folder and sends its pid to every client.
 * After a crash no process answers there, so the lock needs no timeout and no comparison of pids, which are often
 * equal in containers. (The certificate store's lock is held for milliseconds and may be waited for: it is a file.)
 * Returns a function that unlocks the folder.
 * @throws StoreError `in-use` if another process has the folder; the message contains its pid
 */
export async function lockStoreFolder(folder: string, log: Logger): Promise<() => Promise<void>> {
  const path = socketPath(folder)
  const owner: Owner = { pid: process.pid, nonce: randomBytes(8).toString('hex') }
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await listen(path, owner, log)
    if (server === 'unsupported') return async () => {}
    // If two processes found the same stale socket, the later one may have moved the socket of the earlier one.
    const found = await ask(path)
    if (server && found !== SILENT && found?.nonce === owner.nonce) return () => close(server)
    if (server) await close(server)
    if (found) throw inUseError(folder, found)
    const moved = await removeStale(path, owner)
    if (moved) throw inUseError(folder, moved)
  }
  throw new StoreError('in-use', `${folder} is being opened by other processes`)
}

/**
 * Removes a socket that nobody answers. It is moved first and asked again: meanwhile another process may have removed the
 * stale one and listens here now. Then it is put back. Returns the process that answers.
 */
async function removeStale(path: string, { nonce }: Owner): Promise<Owner | typeof SILENT | undefined> {
  // A pipe of Windows ends with its process.
  if (process.platform === 'win32') return undefined
  // No longer than `owner.sock`: the path of a socket is limited.
  const aside = join(dirname(path), nonce.slice(0, 10))
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const found = await ask(aside)
    if (found) putBack(aside, path)
    return found
  } finally {
    rmSync(aside, { force: true })
  }
}

/** Gives a socket its name again, unless another process has taken the name meanwhile. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path)
  } catch {
    // The file system may have no hard links.
    if (!existsSync(path)) renameSync(aside, path)
  }
}

const inUseError = (folder: string, owner: Owner | typeof SILENT): StoreError =>
  new StoreError(
    'in-use',
    owner === SILENT
      ? `${folder} is in use by a process that does not answer; end or continue it`
      : `${folder} is in use by process ${owner.pid}`,
  )

/** Returns the error of `lockStoreFolder` if a process has the folder. Locks nothing. */
export async function lockObstacle(folder: string): Promise<StoreError | undefined> {
  const owner = await ask(socketPath(folder))
  return owner && inUseError(folder, owner)
}

function socketPath(folder: string): string {
  const real = realpathSync(folder)
  const digest = createHash('sha256').update(real).digest('hex').slice(0, 32)
  if (process.platform === 'win32') return `\\\\.\\pipe\\sealpost-${digest}`
  const inside = join(real, 'owner.sock')
  return Buffer.byteLength(inside) <= SOCKET_PATH_OCTETS ? inside : join(tmpdir(), `sealpost-${digest}.sock`)
}

/** Listens on a socket. Resolves with undefined if the path exists already. */
function listen(path: string, owner: Owner, log: Logger): Promise<Server | 'unsupported' | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(JSON.stringify(owner))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return resolve(undefined)
      if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM') return reject(error)
      log.warn({ err: error }, 'the file system does not support sockets, so a second process could open the store')
      resolve('unsupported')
    })
    server.listen(path, () => {
      server.unref()
      if (process.platform !== 'win32') chmodSync(path, 0o600)
      resolve(server)
    })
  })
}

/**
 * Asks the process behind a socket who it is. Resolves with undefined if no process has the socket, and with `silent` if
 * one has it and does not answer in time. Rejects if the socket is another user's.
 */
function ask(path: string): Promise<Owner | typeof SILENT | undefined> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(path)
    const timer = setTimeout(() => {
      resolve(SILENT)
      socket.destroy()
    }, ANSWER_MS)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'EPERM') reject(error)
      else resolve(undefined)
    })
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(parse(answer))
    })
  })
}

function parse(answer: string): Owner | undefined {
  try {
    return JSON.parse(answer) as Owner
  } catch {
    return undefined
  }
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
