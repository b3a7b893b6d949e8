import { constants, lstatSync, readFileSync } from 'node:fs'

/**
 * Throws if a path is not a file of its own. Files from elsewhere, such as a backup or a Maildir, must not lead to other
 * files of the machine by a link, and reading a device or a pipe never ends.
 */
export function assertRegularFile(path: string): void {
  const found = lstatSync(path)
  if (found.isFile()) return
  const what = found.isSymbolicLink() ? 'a link' : found.isDirectory() ? 'a folder' : 'a device, a pipe or a socket'
  throw new Error(`${path} is ${what}, not a file; remove it, or put the file in its place`)
}

/** Reads a file from elsewhere. @throws Error if it is a link, a device or the like */
export function readRegularFile(path: string): Buffer {
  assertRegularFile(path)
  // If the path becomes a link now, the system refuses to open it. Windows does not have these flags.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  return readFileSync(path, { flag: (O_RDONLY | O_NOFOLLOW | O_NONBLOCK) as never })
}
