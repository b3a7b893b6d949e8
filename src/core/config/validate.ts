import { type AccountsOfFiles, atAccountFile, withAccountsOfFiles } from './accounts/account-files.ts'
import { mistakesOf } from './issues.ts'
import { schemasAt } from './json-schema.ts'
import { type Mistake, type Path, pathText, valueAt } from './mistakes.ts'
import { withPersonalityDefaults } from './personality.ts'
import { contradictions } from './rules/contradictions.ts'
import { type LabConfig, labSchema } from './schema.ts'
import { secretFileKeys, type WithSecrets } from './secret-files.ts'

/** Zod's compiled validators pay off only for thousands of inputs. */
const options = { jitless: true }

type Validated = { readonly config: LabConfig } | Invalid

interface Invalid {
  readonly mistakes: readonly Mistake[]
  /** The input without the invalid values; absent if nothing usable is left. */
  readonly rest?: Rest
}

/** The valid part of an input. */
interface Rest {
  readonly config: LabConfig
  /** Translates a mistake in the rest to one in the input; undefined if it concerns a value that the input does not have. */
  readonly inInput: (mistake: Mistake) => Mistake | undefined
}

/**
 * Checks an input with its secrets and the accounts of its files against the schema and against the rules across keys.
 * Returns all mistakes of both kinds together.
 */
export function validate({ value: input, mistakes: ofSecrets }: WithSecrets, files: AccountsOfFiles): Validated {
  const parsed = labSchema.safeParse(withPersonalityDefaults(input), options)
  const ofFiles = [...ofSecrets, ...files.mistakes]
  if (parsed.success && ofFiles.length === 0) {
    const config = withAccountsOfFiles(parsed.data, files)
    const found = contradictions(config).map((mistake) => complete(atAccountFile(mistake, config), (path) => path))
    if (found.length === 0) return { config }
    const wrong = new Set(found.map(({ path }) => pathText(path)))
    return {
      mistakes: found,
      rest: { config, inInput: (it) => (isInside(it.path, wrong) ? undefined : it) },
    }
  }
  const mistakes = [
    ...ofFiles,
    ...(parsed.error ? mistakesOf(parsed.error.issues, input).map((one) => atFile(one, input)) : []),
  ]
  const rest = restOf(input, mistakes, files)
  if (!rest) return { mistakes }
  const found = contradictions(rest.config).flatMap((mistake) => rest.inInput(mistake) ?? [])
  return { mistakes: [...mistakes, ...found], rest }
}

/** Returns a mistake in a secret at the key that names the file of the secret. */
function atFile(mistake: Mistake, input: unknown): Mistake {
  const parent = mistake.path.slice(0, -1)
  const key = Object.keys(secretFileKeys).find((one) => secretFileKeys[one] === mistake.path.at(-1))
  const file = key === undefined ? undefined : valueAt(input, [...parent, key])
  if (key === undefined || typeof file !== 'string') return mistake
  return { ...mistake, path: [...parent, key], message: `the first line of ${file} ${mistake.message}` }
}

/** Removes the invalid values, so that one run reports all mistakes. */
function restOf(input: unknown, mistakes: readonly Mistake[], files: AccountsOfFiles): Rest | undefined {
  const pruned = prune(input, mistakes)
  const parsed = labSchema.safeParse(withPersonalityDefaults(pruned.value), options)
  if (!parsed.success) {
    // A mapping whose unknown key was removed may lack a required one: removes the mapping as well.
    const more = mistakesOf(parsed.error.issues, pruned.value).map(({ path, ...mistake }) => ({
      ...mistake,
      path: pruned.originalPath(path),
    }))
    const isNew = more.some(({ path }) => !mistakes.some((known) => pathText(known.path) === pathText(path)))
    return isNew ? restOf(input, [...mistakes, ...more], files) : undefined
  }
  // An invalid value was replaced by its default. A mistake in the default is not the user's.
  const wrong = new Set(mistakes.map(({ path }) => pathText(path)))
  const config = withAccountsOfFiles(parsed.data, files)
  const inInput = (mistake: Mistake): Mistake | undefined => {
    const ofFile = atAccountFile(mistake, config)
    // A mistake in the file of accounts does not hide mistakes of other keys.
    if (ofFile !== mistake) return ofFile
    const found = complete(mistake, pruned.originalPath)
    return isInside(found.path, wrong) || pruned.isReplaced(mistake.path) ? undefined : found
  }
  return { config, inInput }
}

/** Returns whether one of some paths is a path or a parent of it. */
const isInside = (path: Path, paths: ReadonlySet<string>): boolean =>
  path.some((_, depth) => paths.has(pathText(path.slice(0, depth + 1))))

/** Fills in `{other}` and translates the paths of a pruned input to paths of the original. */
function complete({ other, ...mistake }: Mistake, original: (path: Path) => Path): Mistake {
  const message = other ? mistake.message.replace('{other}', pathText(original(other))) : mistake.message
  return { ...mistake, path: original(mistake.path), message }
}

interface Pruned {
  readonly value: unknown
  /** Translates a path of the pruned value to the path in the original. */
  originalPath(path: Path): Path
  /** Returns whether the path is in a list whose items were all removed, so that the list has its default. */
  isReplaced(path: Path): boolean
}

/** Returns a copy without the invalid values. If a required key is invalid, the list item it belongs to is removed. */
function prune(input: unknown, mistakes: readonly Mistake[]): Pruned {
  const dropped = new Set(mistakes.map(({ path }) => pathText(removable(path))))
  const kept = new Map<string, number[]>()
  return {
    value: copy(input, [], dropped, kept),
    originalPath(path) {
      const original: (string | number)[] = []
      for (const step of path) {
        const positions = typeof step === 'number' ? kept.get(pathText(original)) : undefined
        original.push(typeof step === 'number' ? (positions?.[step] ?? step) : step)
      }
      return original
    },
    isReplaced: (path) => path.some((_, depth) => kept.get(pathText(path.slice(0, depth + 1)))?.length === 0),
  }
}

/** Returns the path itself, or the nearest parent that is not required. A mapping without its secret is useless. */
function removable(path: Path): Path {
  const key = path.at(-1)
  const parent = path.slice(0, -1)
  const required =
    typeof key === 'string' &&
    (Object.hasOwn(secretFileKeys, key) ||
      key === 'passwordHash' ||
      schemasAt(parent).some((schema) => schema.required?.includes(key)))
  return required ? removable(parent) : path
}

function copy(value: unknown, path: Path, dropped: ReadonlySet<string>, kept: Map<string, number[]>): unknown {
  const isKept = (step: string | number): boolean => !dropped.has(pathText([...path, step]))
  if (Array.isArray(value)) {
    const positions = value.map((_, index) => index).filter(isKept)
    kept.set(pathText(path), positions)
    // A list that becomes empty takes its default.
    if (positions.length === 0 && value.length > 0) return undefined
    return positions.map((index) => copy(value[index], [...path, index], dropped, kept))
  }
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.keys(value).filter(isKept)
  return Object.fromEntries(keys.map((key) => [key, copy(valueAt(value, [key]), [...path, key], dropped, kept)]))
}
