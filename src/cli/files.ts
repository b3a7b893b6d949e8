import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError } from './failure.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
}

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}

/** Reads a file, or standard input for `-`. */
export async function readInput(path: string): Promise<Buffer> {
  if (path !== '-') {
    return readFile(path).catch((error: unknown) => {
      throw new Error(`${path} cannot be read: ${reasonOf(error)}`)
    })
  }
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Checks that a file can be written, before a command changes anything. */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-') return
  await access(dirname(resolve(path)), constants.W_OK).catch((error: unknown) => {
    throw new Error(`${path} cannot be written: ${reasonOf(error)}`)
  })
}

/** Writes a file, or standard output for `-`. Only the owner can read a secret file, also if it existed before. */
export async function writeOutput(path: string, content: string | Buffer, secret = false): Promise<void> {
  if (path === '-') return void process.stdout.write(content)
  try {
    await using file = await open(path, 'w', secret ? 0o600 : 0o644)
    if (secret && (await file.stat()).isFile()) await file.chmod(0o600)
    await file.writeFile(content)
  } catch (error) {
    throw new Error(`${path} cannot be written: ${reasonOf(error)}`)
  }
}

/** Returns the password of `--password`, or the first line of `--password-file`. @throws UsageError for both */
export async function passwordOf(options: {
  readonly password?: string
  readonly passwordFile?: string
}): Promise<string | undefined> {
  if (options.password !== undefined && options.passwordFile !== undefined) {
    throw new UsageError('give --password or --password-file, not both')
  }
  if (options.passwordFile === undefined) return options.password
  return (await readInput(options.passwordFile)).toString('utf8').split(/\r?\n/)[0]
}
