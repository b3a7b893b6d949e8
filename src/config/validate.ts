import { mistakesOf } from './issues.ts'
import { schemasAt } from './json-schema.ts'
import { type Mistake, type Path, pathText, valueAt } from './mistakes.ts'
import { contradictions } from './rules.ts'
import { type LabConfig, labSchema } from './schema.ts'

/** The code that zod would write for a schema is made for inputs by the thousand. */
const once = { jitless: true }

export type Validated = { readonly config: LabConfig } | { readonly mistakes: readonly Mistake[] }

/** Checks an input whole: every mistake of form, and every contradiction among what has the right form. */
export function validate(input: unknown): Validated {
  const parsed = labSchema.safeParse(input, once)
  if (parsed.success) {
    const found = contradictions(parsed.data).map((mistake) => told(mistake, (path) => path))
    return found.length === 0 ? { config: parsed.data } : { mistakes: found }
  }
  const mistakes = mistakesOf(parsed.error.issues, input)
  return { mistakes: [...mistakes, ...contradictionsDespite(input, mistakes)] }
}

/** The contradictions of what is left when everything of the wrong form is taken out: one run reports all. */
function contradictionsDespite(input: unknown, mistakes: readonly Mistake[]): Mistake[] {
  const rest = pruned(input, mistakes)
  const parsed = labSchema.safeParse(rest.value, once)
  if (!parsed.success) return []
  const wrong = new Set(mistakes.map(({ path }) => pathText(path)))
  const found = contradictions(parsed.data).map((mistake) => told(mistake, rest.originalPath))
  // What has the wrong form was taken for its default meanwhile.
  return found.filter(({ path }) => !wrong.has(pathText(path)))
}

function told({ other, ...mistake }: Mistake, original: (path: Path) => Path): Mistake {
  const message = other ? mistake.message.replace('{other}', pathText(original(other))) : mistake.message
  return { ...mistake, path: original(mistake.path), message }
}

export interface Pruned {
  readonly value: unknown
  /** Where something of the pruned value stood before. */
  originalPath(path: Path): Path
}

/** A copy without what is wrong: the wrong keys, and whole list items where a key is wrong that has no default. */
export function pruned(input: unknown, mistakes: readonly Mistake[]): Pruned {
  const dropped = new Set(mistakes.map(({ path }) => pathText(replaceable(path))))
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

/** The nearest thing upward that can be left out. */
function replaceable(path: Path): Path {
  const key = path.at(-1)
  const parent = path.slice(0, -1)
  const required = typeof key === 'string' && schemasAt(parent).some((schema) => schema.required?.includes(key))
  return required ? replaceable(parent) : path
}

function copy(value: unknown, path: Path, dropped: ReadonlySet<string>, kept: Map<string, number[]>): unknown {
  const isKept = (step: string | number): boolean => !dropped.has(pathText([...path, step]))
  if (Array.isArray(value)) {
    const positions = value.map((_, index) => index).filter(isKept)
    kept.set(pathText(path), positions)
    // A list that is empty only because of this is left to its default.
    if (positions.length === 0 && value.length > 0) return undefined
    return positions.map((index) => copy(value[index], [...path, index], dropped, kept))
  }
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.keys(value).filter(isKept)
  return Object.fromEntries(keys.map((key) => [key, copy(valueAt(value, [key]), [...path, key], dropped, kept)]))
}
