import { createHash } from 'node:crypto'
import { lstat, readdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { makeFolder } from '../../core/files/folders.ts'
import { ControlError } from './messages.ts'

/** The places where control sockets may be created. */
export interface RuntimePlaces {
  /** `XDG_RUNTIME_DIR`, if the system sets it. */
  readonly xdgRuntimeDir?: string
  readonly tmpdir: string
  readonly uid: number
}

/** Returns the folders for control sockets, the preferred one first. */
function folders({ xdgRuntimeDir, tmpdir, uid }: RuntimePlaces): string[] {
  return [...(xdgRuntimeDir ? [join(xdgRuntimeDir, 'sealpost')] : []), join(tmpdir, `sealpost-${uid}`)]
}

/** Returns the start of a socket's name, which identifies the configuration. The process id follows, because several labs may run it. */
const prefixOf = (configuration: string): string =>
  createHash('sha256').update(configuration).digest('hex').slice(0, 12)

const SOCKET_NAME = /^[0-9a-f]{12}\.(\d+)\.sock$/

/**
 * Returns the path for a new control socket, and creates its folder with access for the owner alone. Removes the sockets
 * of labs that were killed, for every configuration.
 * @param configuration identifies the configuration: the absolute path of its file
 * @throws ControlError if no folder can be used
 */
export async function newSocketPath(configuration: string, pid: number, places: RuntimePlaces): Promise<string> {
  const reasons: string[] = []
  for (const folder of folders(places)) {
    try {
      makeFolder(folder, 0o700)
      await assertPrivate(folder, places.uid)
      await socketsIn(folder, '')
      return join(folder, `${prefixOf(configuration)}.${pid}.sock`)
    } catch (error) {
      reasons.push(`${folder}: ${(error as Error).message}`)
    }
  }
  throw new ControlError(`cannot create a folder for the control socket: ${reasons.join('; ')}`)
}

/** Rejects a folder that another user owns or can open: that user could pose as the lab. */
async function assertPrivate(folder: string, uid: number): Promise<void> {
  const found = await lstat(folder)
  if (!found.isDirectory()) throw new ControlError('is not a folder')
  if (found.uid !== uid) throw new ControlError('belongs to another user')
  if ((found.mode & 0o077) !== 0) throw new ControlError('is open to other users')
}

/** Returns the sockets of the labs that run a configuration now, and removes the sockets of killed labs. */
export const findSockets = (configuration: string, places: RuntimePlaces): Promise<string[]> =>
  socketsWith(`${prefixOf(configuration)}.`, places)

/** Returns the sockets of all labs of this user, whatever they run. */
export const findAllSockets = (places: RuntimePlaces): Promise<string[]> => socketsWith('', places)

async function socketsWith(prefix: string, places: RuntimePlaces): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders(places)) {
    const sockets = await socketsIn(folder, prefix)
    if (sockets.length > 0) await assertPrivate(folder, places.uid)
    found.push(...sockets)
  }
  return found
}

/** Returns the sockets in a folder on which a lab answers, and removes the sockets of killed labs. */
async function socketsIn(folder: string, prefix: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = SOCKET_NAME.exec(name)?.[1]
    if (pid === undefined || !name.startsWith(prefix)) continue
    const path = join(folder, name)
    // A lab in another container can share the folder: only the connection shows whether it is alive.
    if (await accepts(path)) found.push(path)
    // A lab that is just starting is alive, but does not accept yet.
    else if (!isAlive(Number(pid))) await unlink(path).catch(() => {})
  }
  return found
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
