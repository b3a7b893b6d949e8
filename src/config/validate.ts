import { mistakesOf } from './issues.ts'
import { schemasAt } from './json-schema.ts'
import { type Mistake, type Path, pathText, valueAt } from './mistakes.ts'
import { contradictions } from './rules.ts'
import { type LabConfig, labSchema } from './schema.ts'

/** Zod's compiled validators pay off only for thousands of inputs. */
const options = { jitless: true }

type Validated = { readonly config: LabConfig } | { readonly mistakes: readonly Mistake[] }

/** Checks an input against the schema and against the rules across keys. Returns all mistakes of both kinds together. */
export function validate(input: unknown): Validated {
  const parsed = labSchema.safeParse(input, options)
  if (parsed.success) {
    const found = contradictions(parsed.data).map((mistake) => complete(mistake, (path) => path))
    return found.length === 0 ? { config: parsed.data } : { mistakes: found }
  }
  const mistakes = mistakesOf(parsed.error.issues, input)
  return { mistakes: [...mistakes, ...contradictionsInRest(input, mistakes)] }
}

/** Checks the rules across keys on the valid part of the input, so that one run reports all mistakes. */
function contradictionsInRest(input: unknown, mistakes: readonly Mistake[]): Mistake[] {
  const rest = prune(input, mistakes)
  const parsed = labSchema.safeParse(rest.value, options)
  if (!parsed.success) {
    // A mapping whose unknown key was removed may lack a required one: removes the mapping as well.
    const more = mistakesOf(parsed.error.issues, rest.value).map(({ path, ...mistake }) => ({
      ...mistake,
      path: rest.originalPath(path),
    }))
    const isNew = more.some(({ path }) => !mistakes.some((known) => pathText(known.path) === pathText(path)))
    return isNew ? contradictionsInRest(input, [...mistakes, ...more]) : []
  }
  const wrong = new Set(mistakes.map(({ path }) => pathText(path)))
  const found = contradictions(parsed.data).map((mistake) => complete(mistake, rest.originalPath))
  // An invalid value was replaced by its default: a contradiction with the default is not the user's mistake.
  return found.filter(({ path }) => !wrong.has(pathText(path)))
}

/** Fills in `{other}` and translates the paths of a pruned input to those of the original. */
function complete({ other, ...mistake }: Mistake, original: (path: Path) => Path): Mistake {
  const message = other ? mistake.message.replace('{other}', pathText(original(other))) : mistake.message
  return { ...mistake, path: original(mistake.path), message }
}

interface Pruned {
  readonly value: unknown
  /** Translates a path of the pruned value to the path in the original. */
  originalPath(path: Path): Path
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
  }
}

/** Returns the path itself, or the nearest parent that is not required. */
function removable(path: Path): Path {
  const key = path.at(-1)
  const parent = path.slice(0, -1)
  const required = typeof key === 'string' && schemasAt(parent).some((schema) => schema.required?.includes(key))
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
