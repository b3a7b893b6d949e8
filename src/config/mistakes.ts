import type { ResolvedLab } from './resolve.ts'

/** A place in the input: keys and list positions from the top. */
export type Path = readonly (string | number)[]

/** A mistake in a configuration. */
export interface Mistake {
  readonly path: Path
  /** The error and its correction. */
  readonly message: string
  /** Whether the key is wrong, not its value. */
  readonly onKey?: boolean
  /** Another place, which the message names as `{other}`. */
  readonly other?: Path
}

/** Returns a mistake as a line with its place: `FILE:LINE:COLUMN: virtualServers[2].port: …`, or a variable or option. */
export type Locate = (mistake: Mistake) => PlacedMistake

interface PlacedMistake {
  readonly line: string
  /** Offset in the text; mistakes are sorted by it. */
  readonly offset: number
}

/** An invalid configuration, with all its mistakes as one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]
  /** The lab without the invalid values, whose certificates, files and ports can still be checked. */
  readonly rest: LabWithPlaces | undefined
  constructor(mistakes: readonly string[], rest?: LabWithPlaces) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
    this.rest = rest
  }
}

/** A lab, and the places of its values in the input. */
export interface LabWithPlaces {
  readonly lab: ResolvedLab
  /** Adds the place to mistakes that are found later, such as an unknown certificate; returns one line each. */
  readonly placed: (mistakes: readonly Mistake[]) => string[]
}

/** Returns a path as text: `virtualServers[2].port`. Keys that are not words are quoted. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** Returns a mistake with its path only, for input without a text. */
export const locateByPath: Locate = ({ path, message }) => ({
  line: path.length === 0 ? message : `${pathText(path)}: ${message}`,
  offset: 0,
})

/** Returns the lines of mistakes in the order of the text, without duplicates. */
export function linesInOrder(mistakes: readonly Mistake[], locate: Locate): string[] {
  const placed = mistakes.map(locate).sort((a, b) => a.offset - b.offset)
  return [...new Set(placed.map(({ line }) => line))]
}

/** Returns the value at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}
