import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificateStoreOptions } from '../../../src/tls/pki/certificate-store/store.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a program to its end. Rejects only if it cannot be started. */
export function run(program: string, args: readonly string[], input?: string | Buffer, cwd?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { encoding: 'utf8', cwd, maxBuffer: 1 << 24 }, (error, out, err) => {
      if (error && typeof error.code === 'string') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** Writes a file. Returns its path. */
export async function put(folder: string, name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

interface Logged {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
}

/** Creates a log that keeps its entries. */
export function memoryLog() {
  const entries: Logged[] = []
  const level = (name: Logged['level']) => (_: object, message: string) => void entries.push({ level: name, message })
  return { entries, info: level('info'), warn: level('warn'), error: level('error') }
}

/** Returns the options of a store with quick keys. */
export const storeOptions = (folder: string, more: Partial<CertificateStoreOptions> = {}): CertificateStoreOptions => ({
  folder,
  clock: { now: () => Date.now() },
  log: memoryLog(),
  key: 'p256',
  ...more,
})

/** Returns a promise and the function that resolves it. */
export function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
