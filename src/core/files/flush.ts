import { fsync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const flushDescriptor = promisify(fsync)

/** Flushes a file to the disk. Replaces `FileHandle.sync`, which Yarn’s Plug’n’Play does not implement. */
export const flush = ({ fd }: FileHandle): Promise<void> => flushDescriptor(fd)
