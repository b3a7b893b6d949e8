import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { reasonText } from '../files/file-errors.ts'
import { isMapping } from '../values/mapping.ts'
import { type Deprecation, deprecations } from './deprecated-keys.ts'
import { deprecatedSince, isRemoved, presentPath } from './deprecations.ts'
import type { Override } from './load.ts'
import type { Path } from './mistakes.ts'
import { nearestWord } from './nearest.ts'
import { DATABASE } from './schema/certificates.ts'
import { labGroups, labKeys } from './schema.ts'
import { secretFileKeys } from './secret-files.ts'
import { parseYamlValue } from './yaml.ts'

interface EnvironmentSettings {
  readonly overrides: readonly Override[]
  /** One line for each variable that has another name now. */
  readonly deprecated: readonly string[]
  /** The same, and one line for each variable that is not known. */
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

/**
 * A variable for every top-level key, such as `SEALPOST_PORT_OFFSET`, for every key of a group, such as
 * `SEALPOST_NEWS_GROUPS`, and one for the address of all virtual servers.
 */
const variables: ReadonlyMap<string, Path> = new Map<string, Path>([
  ...Object.keys(labKeys)
    .filter((key) => key !== 'version')
    .map((key) => variable([key])),
  ...Object.entries(labGroups).flatMap(([group, { shape }]) => Object.keys(shape).map((key) => variable([group, key]))),
  ['SEALPOST_ADDRESS', ['virtualServers', '*', 'address']],
])

/** Variables for the old names of top-level keys. */
const oldVariables = new Map(
  (deprecations as readonly Deprecation[])
    .filter((row) => row.mappings.includes('') && !isRemoved(row))
    .map((row) => [variableOf([row.from]), row]),
)

function variable(path: readonly string[]): [string, Path] {
  return [variableOf(path), path]
}

function variableOf(path: Path): string {
  return PREFIX + path.map((step) => String(step).replaceAll(/[A-Z]/g, '_$&').toUpperCase()).join('_')
}

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
  const found = given.map(([origin, text]) => ({ origin, text, ...variableNamed(origin) }))
  const deprecated = found.flatMap(({ origin, old, path }) =>
    old && path ? [`${origin}: ${deprecatedSince(old.since)}; write ${variableOf(path)}`] : [],
  )
  return {
    overrides: found.flatMap(({ origin, text, name, path }) => {
      if (path === undefined) return []
      const isFile = name !== origin
      if (isFile && names.has(name)) throw new Error(`${name} and ${origin} are both set; keep one of them`)
      const value = variableValue(path, isFile ? readValueFile(origin, text, cwd) : text, cwd)
      // The variable of a group sets the keys that it names. The others stay as they are in the file.
      if (path.length > 1 || !Object.hasOwn(labGroups, String(path[0])) || !isMapping(value))
        return [{ origin, path, value }]
      return Object.entries(value).map(([key, one]) => ({
        origin,
        path: [...path, key],
        value: one,
        named: path.length,
      }))
    }),
    deprecated,
    warnings: [...deprecated, ...given.flatMap(([name]) => unknownNameWarning(name))],
  }
}

interface NamedVariable {
  /** The name without `_FILE`. */
  readonly name: string
  /** The path of its key. Undefined for a variable that is no key. */
  readonly path?: Path | undefined
  /** The row of its old name. */
  readonly old?: Deprecation | undefined
}

function variableNamed(origin: string): NamedVariable {
  const isKnown = (one: string): boolean => variables.has(one) || oldVariables.has(one)
  const name = !isKnown(origin) && origin.endsWith(FILE_SUFFIX) ? origin.slice(0, -FILE_SUFFIX.length) : origin
  const old = variables.has(name) ? undefined : oldVariables.get(name)
  return { name, path: old ? presentPath([old.from]) : variables.get(name), old }
}

function readValueFile(variable: string, file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8').trim()
  } catch (error) {
    throw new Error(`${variable}: cannot read ${file}: ${reasonText(error, 'read')}`, { cause: error })
  }
}

function variableValue(path: Path, text: string, cwd: string): unknown {
  const schema = schemaAt(path)
  if (schema === undefined) return text
  const value = parseYamlValue(text)
  // A host name such as 12345 stays a text. A list or mapping is never meant as a text.
  if (isScalar(value) && !schema.safeParse(value).success && schema.safeParse(text).success) return text
  return typeof value === 'string' && !FILE_KEYS.has(String(path.at(-1))) ? value : absolute(value, cwd)
}

const isScalar = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean' || value === null

/** Returns the schema of the key of a variable. */
function schemaAt([key = '', below, more]: Path): z.ZodType | undefined {
  if (more !== undefined) return undefined
  const keys = below === undefined ? labKeys : labGroups[key as keyof typeof labGroups].shape
  return (keys as Readonly<Record<string, z.ZodType>>)[below ?? key]
}

const FILE_KEYS = new Set([
  'certificates',
  'store',
  'lmdb',
  'file',
  'keyFile',
  'packets',
  'capture',
  ...Object.keys(secretFileKeys),
])

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
function unknownNameWarning(name: string): string[] {
  const known = [...variables.keys(), ...oldVariables.keys(), ...others]
  if (known.includes(name) || known.some((one) => name === one + FILE_SUFFIX) || OF_KUBERNETES.test(name)) return []
  const near = nearestWord(
    name.slice(PREFIX.length),
    known.map((variable) => variable.slice(PREFIX.length)),
  )
  return [`${name}: unknown variable, ignored${near === undefined ? '' : `; did you mean ${PREFIX}${near}?`}`]
}
