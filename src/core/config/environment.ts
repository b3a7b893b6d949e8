import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { reasonText } from '../files/file-errors.ts'
import type { Override } from './load.ts'
import type { Path } from './mistakes.ts'
import { nearest } from './nearest.ts'
import { DATABASE } from './schema/certificates.ts'
import { labKeys } from './schema.ts'
import { secretFileKeys } from './secret-files.ts'
import { parseYamlValue } from './yaml.ts'

interface EnvironmentSettings {
  readonly overrides: readonly Override[]
  /** One line for each variable that is not known. */
  readonly warnings: readonly string[]
}

const PREFIX = 'SEALPOST_'

/** Variables that are not keys of the configuration. */
const others = [
  'SEALPOST_CONFIG',
  'SEALPOST_LIKE',
  'SEALPOST_SMTP',
  'SEALPOST_CI',
  'SEALPOST_CORPUS',
  'SEALPOST_TOKEN',
  // Compose files use this name for the tag of the image. The key `version` belongs to the file that it describes.
  'SEALPOST_VERSION',
]

/** The end of the name of a variable that names a file with the value, as Docker's official images have it. */
const FILE_SUFFIX = '_FILE'

/** A variable for every top-level key, such as `SEALPOST_PORT_OFFSET`, and one for the address of all virtual servers. */
const variables: ReadonlyMap<string, Path> = new Map<string, Path>([
  ...Object.keys(labKeys)
    .filter((key) => key !== 'version')
    .map((key): [string, Path] => [variableOf(key), [key]]),
  ['SEALPOST_ADDRESS', ['virtualServers', '*', 'address']],
])

function variableOf(key: string): string {
  return PREFIX + key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()
}

/** Keys whose values contain folders or files. In the environment, these are relative to the working directory. */
const folderKeys = new Set([
  'certificates',
  'store',
  'cluster',
  'capture',
  'tokens',
  'webhooks',
  'directory',
  'connectors',
  'oauth2',
  'virtualServers',
])

/**
 * Returns the settings in `SEALPOST_…` variables. Values are YAML (`3000`, `{ lmdb: /data }`); empty ones are ignored.
 * `SEALPOST_…_FILE` names a file with the value.
 * @param cwd the working directory, to which folders are relative
 * @throws Error if a file cannot be read, or a value is given twice
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): EnvironmentSettings {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => {
    const [name, value] = entry
    return name.startsWith(PREFIX) && value !== undefined && value !== ''
  })
  const names = new Set(given.map(([name]) => name))
  return {
    overrides: given.flatMap(([origin, text]) => {
      const isFile = !variables.has(origin) && origin.endsWith(FILE_SUFFIX)
      const variable = isFile ? origin.slice(0, -FILE_SUFFIX.length) : origin
      const path = variables.get(variable)
      if (path === undefined) return []
      if (isFile && names.has(variable)) throw new Error(`${variable} and ${origin} are both set; keep one of them`)
      return [{ origin, path, value: valueOf(path, isFile ? contentOf(origin, text, cwd) : text, cwd) }]
    }),
    warnings: given.flatMap(([name]) => unknown(name)),
  }
}

function contentOf(variable: string, file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8').trim()
  } catch (error) {
    throw new Error(`${variable}: cannot read ${file}: ${reasonText(error, 'read')}`, { cause: error })
  }
}

function valueOf(path: Path, text: string, cwd: string): unknown {
  const key = path[0] as keyof typeof labKeys
  if (path.length > 1) return text
  const value = parseYamlValue(text)
  // A host name such as 12345 stays a text. A list or mapping is never meant as a text.
  if (isScalar(value) && !accepts(key, value) && accepts(key, text)) return text
  return folderKeys.has(key) ? absolute(value, cwd) : value
}

const isScalar = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean' || value === null

const accepts = (key: keyof typeof labKeys, value: unknown): boolean => labKeys[key].safeParse(value).success

const FILE_KEYS = new Set(['store', 'lmdb', 'file', 'keyFile', ...Object.keys(secretFileKeys)])

/** Values of keys for folders that are no folders. */
const PLACES = new Set(['memory', DATABASE])

function absolute(value: unknown, cwd: string): unknown {
  if (typeof value === 'string') return PLACES.has(value) ? value : resolve(cwd, value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'object' ? absolute(one, cwd) : one))
  const folders = Object.entries(value).map(([key, text]) =>
    FILE_KEYS.has(key) || typeof text === 'object' ? [key, absolute(text, cwd)] : [key, text],
  )
  return Object.fromEntries(folders)
}

/** Variables that Kubernetes sets for each service, here one whose name begins with sealpost. */
const OF_KUBERNETES = /_SERVICE_HOST$|_SERVICE_PORT(?:_|$)|_PORT(?:_\d+_(?:TCP|UDP)(?:_|$)|$)/

/** Returns a warning if a name is not known. */
function unknown(name: string): string[] {
  const known = [...variables.keys(), ...others]
  if (known.includes(name) || known.some((one) => name === one + FILE_SUFFIX) || OF_KUBERNETES.test(name)) return []
  const near = nearest(
    name.slice(PREFIX.length),
    known.map((variable) => variable.slice(PREFIX.length)),
  )
  return [`${name}: unknown variable, ignored${near === undefined ? '' : `; did you mean ${PREFIX}${near}?`}`]
}
