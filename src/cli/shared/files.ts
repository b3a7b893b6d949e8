import { constants, existsSync } from 'node:fs'
import { access, open, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileError } from '../../core/files/file-errors.ts'
import { gather, readUserFile } from '../../core/files/user-files.ts'
import { certificatePem } from '../../tls/pki/certificate/certificate.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { readCertificates } from '../../tls/pki/keystore/certificate-files.ts'
import { UsageError } from './failure.ts'

/** Reads a file, or standard input for `-`. @throws Error with a sentence for people */
export const readInput = (path: string): Promise<Buffer> =>
  path === '-' ? gather(process.stdin, 'standard input') : readUserFile(path)

/** Adds the name of a file to errors about its content. */
export async function withFileName<T>(path: string, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (!(error instanceof PkiError) || (error.code !== 'malformed' && error.code !== 'password')) throw error
    throw new PkiError(error.code, `${path === '-' ? 'standard input' : path}: ${error.message}`, { cause: error })
  }
}

/** Reads root certificates in PEM, DER or PKCS#7. Returns each in PEM. @throws PkiError with the name of the file */
export async function readRoots(path: string): Promise<string[]> {
  const octets = await readInput(path)
  return withFileName(path, () => readCertificates(octets).map(certificatePem))
}

/** Checks that a file can be written, before a command changes anything. */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-') return
  const file = resolve(path)
  try {
    const found = await stat(file).catch(ignoreMissing)
    if (found?.isDirectory()) throw Object.assign(new Error('folder'), { code: 'EISDIR' })
    await access(found ? file : dirname(file), constants.W_OK)
  } catch (error) {
    throw fileError(error, path, 'written')
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Writes a file, or standard output for `-`. Only the owner can read a secret file, also if it existed before. */
export async function writeOutput(path: string, content: string | Buffer, secret = false): Promise<void> {
  if (path === '-') return void process.stdout.write(content)
  const isNew = !existsSync(path)
  try {
    await using file = await open(path, 'w', secret ? 0o600 : 0o644)
    if (secret && (await file.stat()).isFile()) await file.chmod(0o600)
    await file.writeFile(content)
  } catch (error) {
    // An empty or incomplete file would look like a result.
    if (isNew) await rm(path, { force: true }).catch(() => {})
    throw fileError(error, path, 'written')
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
