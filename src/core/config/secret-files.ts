import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { reasonText } from '../files/file-errors.ts'
import { branches, type JsonSchema, schemasAt } from './json-schema.ts'
import type { Mistake, Path } from './mistakes.ts'

/** Keys that name a file whose first line is a secret, or with a script, and the keys that hold the secret or script itself. */
export const secretFileKeys: Readonly<Record<string, string>> = {
  passwordFile: 'password',
  tokenFile: 'token',
  accessTokenFile: 'accessToken',
  secretFile: 'secret',
  keySecretFile: 'keySecret',
  keySecretFallbackFile: 'keySecretFallback',
  clientSecretFile: 'clientSecret',
  secretAccessKeyFile: 'secretAccessKey',
  sieveFile: 'sieve',
}

/** A configuration with the secrets of its files, and what is wrong with the files. */
export interface WithSecrets {
  readonly value: unknown
  readonly mistakes: readonly Mistake[]
}

/**
 * Reads files of secrets, as Docker and Kubernetes provide them, and puts each secret beside the name of its file,
 * which becomes absolute. Returns the configuration itself if it names none.
 */
export function withSecretsOfFiles(config: unknown, baseDir: string): WithSecrets {
  const mistakes: Mistake[] = []
  const walk = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((one, index) => walk(one, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    // Not by assignment, which would make a mapping that is named `__proto__` the prototype.
    const copy = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, [...path, key])]))
    for (const [key, one] of Object.entries(value)) {
      const secretKey = Object.hasOwn(secretFileKeys, key) ? secretFileKeys[key] : undefined
      if (secretKey === undefined || typeof one !== 'string' || !isKeyAt(path, key)) continue
      const at = [...path, key]
      if (Object.hasOwn(value, secretKey)) {
        mistakes.push({ path: at, message: `${secretKey} is set too; keep one of them` })
        continue
      }
      const file = resolve(baseDir, one)
      copy[key] = file
      try {
        copy[secretKey] = secretKey === 'sieve' ? readSecret(file) : firstLineOf(file)
      } catch (error) {
        mistakes.push({ path: at, message: (error as Error).message })
      }
    }
    return copy
  }
  const hasFiles = namesFiles(config)
  return hasFiles ? { value: walk(config, []), mistakes } : { value: config, mistakes }
}

function namesFiles(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, one]) => Object.hasOwn(secretFileKeys, key) || namesFiles(one))
}

const isKeyAt = (path: Path, key: string): boolean =>
  schemasAt(path)
    .flatMap((schema): readonly JsonSchema[] => branches(schema))
    .some(({ properties }) => properties !== undefined && Object.hasOwn(properties, key))

/** Returns the first line of a file without the spaces around it. @throws Error that names the file */
function firstLineOf(file: string): string {
  const line = readSecret(file).split(/\r?\n/, 1)[0]?.trim() ?? ''
  if (line === '') throw new Error(`the first line of ${file} is empty; write the secret into it`)
  return line
}

/** @throws Error that names the file */
function readSecret(file: string): string {
  try {
    return startOf(file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${reasonText(error as NodeJS.ErrnoException, 'read')}`, { cause: error })
  }
}

/** Octets of a file that are read: more than any secret and script has. */
const MAX_OCTETS = 1 << 20

/** Returns the start of a file. A pipe or a device would never end. @throws Error */
function startOf(file: string): string {
  if (!statSync(file).isFile()) throw new Error('it is not a file; name a file')
  const octets = Buffer.alloc(MAX_OCTETS)
  const descriptor = openSync(file, 'r')
  try {
    return octets.toString('utf8', 0, readSync(descriptor, octets))
  } finally {
    closeSync(descriptor)
  }
}
