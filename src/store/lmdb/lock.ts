import { createHash, randomBytes } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { StoreError } from '../types.ts'

/** What the owner of a folder tells those who would open it too. */
interface Owner {
  readonly pid: number
  readonly nonce: string
}

/** The longest path of a socket that every system takes. */
const SOCKET_PATH_OCTETS = 100

/**
 * Keeps a folder to one process: its owner listens on a socket in it and tells its pid. A socket needs no clean-up to
 * be seen as left over, even where the pids of containers are all alike. Returns what gives the folder free.
 * @throws StoreError `in-use` where another process has the folder; the message names its pid
 */
export async function lockFolder(folder: string, log: Logger): Promise<() => Promise<void>> {
  const path = socketPath(folder)
  const owner: Owner = { pid: process.pid, nonce: randomBytes(8).toString('hex') }
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await listen(path, owner, log)
    if (server === 'unsupported') return async () => {}
    // Of two that found the same left-over socket, the later one has taken its place: then the earlier one is refused.
    const found = await ask(path)
    if (server && found?.nonce === owner.nonce) return () => close(server)
    if (server) await close(server)
    if (found) throw new StoreError('in-use', `${folder} is in use by process ${found.pid}`)
    rmSync(path, { force: true })
  }
  throw new StoreError('in-use', `${folder}: other processes are opening it too`)
}

function socketPath(folder: string): string {
  const real = realpathSync(folder)
  const digest = createHash('sha256').update(real).digest('hex').slice(0, 32)
  if (process.platform === 'win32') return `\\\\.\\pipe\\sealpost-${digest}`
  const inside = join(real, 'owner.sock')
  return Buffer.byteLength(inside) <= SOCKET_PATH_OCTETS ? inside : join(tmpdir(), `sealpost-${digest}.sock`)
}

/** Undefined: something is there already. */
function listen(path: string, owner: Owner, log: Logger): Promise<Server | 'unsupported' | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(JSON.stringify(owner))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return resolve(undefined)
      if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM') return reject(error)
      log.warn({ err: error }, 'this file system takes no sockets: nothing keeps a second process from the store')
      resolve('unsupported')
    })
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** Undefined: nobody answers there. */
function ask(path: string): Promise<Owner | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(parse(answer)))
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
