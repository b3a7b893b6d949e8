import { contradictions } from './contradictions.ts'
import { mistakesOf } from './issues.ts'
import { type Mistake, type Path, pathText } from './mistakes.ts'
import { pruned } from './prune.ts'
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
