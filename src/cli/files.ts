import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError } from './failure.ts'

const reasons: Record<string, string> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
}

const because = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}

/** Reads a file, or standard input for `-`. */
export async function readInput(path: string): Promise<Buffer> {
  if (path !== '-') {
    return readFile(path).catch((error: unknown) => {
      throw new Error(`${path} cannot be read: ${because(error)}`)
    })
  }
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Makes sure that a file can be written, before anything is changed for its sake. */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-') return
  await access(dirname(resolve(path)), constants.W_OK).catch((error: unknown) => {
    throw new Error(`${path} cannot be written: ${because(error)}`)
  })
}

/** Writes a file, or standard output for `-`. What holds a secret is for its owner alone, whatever the file was before. */
export async function writeOutput(path: string, content: string | Buffer, secret = false): Promise<void> {
  if (path === '-') return void process.stdout.write(content)
  try {
    await using file = await open(path, 'w', secret ? 0o600 : 0o644)
    if (secret && (await file.stat()).isFile()) await file.chmod(0o600)
    await file.writeFile(content)
  } catch (error) {
    throw new Error(`${path} cannot be written: ${because(error)}`)
  }
}

/** A password given outright or by a file's first line. */
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
