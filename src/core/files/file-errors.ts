/** The system's error about a file or a folder in plain words, and its cure. */
interface Reason {
  readonly what: string
  readonly cure: string
}

/** By the code of the system error. The only place with texts for these codes. */
const reasons: Readonly<Record<string, Reason>> = {
  ENOENT: { what: 'no such file or folder', cure: 'check the path' },
  ENOTDIR: { what: 'a part of the path is a file and not a folder', cure: 'check the path' },
  EISDIR: { what: 'it is a folder', cure: 'name a file' },
  EEXIST: { what: 'it exists already', cure: 'choose another name' },
  ENOTEMPTY: { what: 'the folder is not empty', cure: 'choose another one' },
  EACCES: {
    what: 'permission denied',
    cure: 'run the command as the owner, or change the permissions of the file and the folders above it',
  },
  EPERM: { what: 'the system does not permit it', cure: 'run the command as the owner, and check the file attributes' },
  EROFS: { what: 'the file system is read-only', cure: 'choose another place, or mount it with write access' },
  ENOSPC: { what: 'the disk is full', cure: 'free some space there (df -h, df -i), or choose another place' },
  EDQUOT: { what: 'the disk quota is used up', cure: 'free some space (quota -s), or choose another place' },
  EFBIG: { what: 'the file would become too large', cure: 'check the limit of file sizes (ulimit -f)' },
  ENAMETOOLONG: { what: 'the name is too long', cure: 'choose a shorter one' },
  ELOOP: { what: 'its symbolic links form a circle', cure: 'check them with ls -l' },
  EMFILE: { what: 'too many files are open', cure: 'raise the limit, for example with: ulimit -n 1024' },
  ENFILE: { what: 'too many files are open on this machine', cure: 'close other programs' },
  EBUSY: { what: 'another program uses it', cure: 'end that program first' },
  ETXTBSY: { what: 'it is a program that is running', cure: 'choose another name' },
  ENXIO: { what: 'it is a socket or a device without a driver', cure: 'name a file' },
  EINVAL: { what: 'the file system does not accept the name', cure: 'choose another one' },
  EIO: { what: 'the disk reports an error', cure: 'check the disk and the log of the system (dmesg)' },
  ESTALE: { what: 'the network folder is gone', cure: 'mount it again' },
  EXDEV: { what: 'the folders are on different file systems', cure: 'choose a folder on the same one' },
}

export type FileAction = 'read' | 'written' | 'created' | 'deleted'

/** Codes that mean something else for some actions. */
const special: Partial<Record<FileAction, Readonly<Record<string, Reason>>>> = {
  written: { ENOENT: { what: 'its folder does not exist', cure: 'create the folder first, or choose another place' } },
  created: {
    ENOENT: { what: 'the system allows no new files or folders there', cure: 'choose another place' },
    EEXIST: { what: 'a file with this name exists', cure: 'choose another name, or move the file' },
  },
}

const FULL = ['ENOSPC', 'EDQUOT']

/** Returns whether an error of the file system means that there is no room left. */
export const isFull = (error: unknown): boolean => FULL.includes(codeOf(error) ?? '')

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

const reasonAndCure = ({ what, cure }: Reason): string => `${what}; ${cure}`

/** Returns why a file cannot be read, written, created or deleted, and what to do about it. */
export function reasonText(error: unknown, done: FileAction): string {
  const code = codeOf(error) ?? ''
  const reason = special[done]?.[code] ?? reasons[code]
  return reason ? reasonAndCure(reason) : (error as Error).message
}

/** Returns a sentence such as `a.txt cannot be read: permission denied; run the command as the owner, …`. */
export const fileErrorText = (error: unknown, path: string, done: FileAction): string =>
  `${path} cannot be ${done}: ${reasonText(error, done)}`

/** Returns an error with a sentence for people. It keeps the code of the system error. */
export function fileError(error: unknown, path: string, done: FileAction): NodeJS.ErrnoException {
  return Object.assign(new Error(fileErrorText(error, path, done), { cause: error }), { code: codeOf(error) })
}

/** Returns a sentence for an error of `node:fs` that nobody has explained yet; undefined for any other error. */
export function rawFileErrorText(error: unknown): string | undefined {
  const { code, path, syscall } = error as NodeJS.ErrnoException
  const reason = reasons[code ?? '']
  if (reason === undefined || syscall === undefined || path === undefined) return undefined
  return `${path}: ${reasonAndCure(reason)}`
}
