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

/** Something outside a valid configuration that prevents the start (`error`) or a part of the lab's work (`warning`). */
export interface Finding extends Mistake {
  readonly severity: 'error' | 'warning'
}

/** Finds the place of a mistake. */
export type Locate = (mistake: Mistake) => PlacedMistake

/** A mistake with its place. */
export interface PlacedMistake {
  /** The whole line: `FILE:LINE:COLUMN: virtualServers[2].port: …`. */
  readonly line: string
  /** Offset in the text; mistakes are sorted by it. */
  readonly offset: number
  /** Absent for mistakes that are not about one value, such as syntax errors. */
  readonly path?: Path
  /** The error and its correction, without the place. */
  readonly message: string
  /** `FILE:LINE:COLUMN`, or the name of a variable or option. Absent for input without a text. */
  readonly place?: string
}

/** An invalid configuration, with all its mistakes as one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]
  /** The same mistakes with their paths and places. */
  readonly found: readonly PlacedMistake[]
  readonly #rest: LabWithPlaces | undefined
  constructor(mistakes: readonly (string | PlacedMistake)[], rest?: LabWithPlaces) {
    const found = mistakes.map((one) => (typeof one === 'string' ? { line: one, offset: 0, message: one } : one))
    super(found.map(({ line }) => line).join('\n'))
    this.mistakes = found.map(({ line }) => line)
    this.found = found
    this.#rest = rest
  }

  /**
   * The lab without the invalid values, whose certificates, files and ports can still be checked. It contains secrets, so
   * it is not among the properties that Node.js and loggers print.
   */
  get rest(): LabWithPlaces | undefined {
    return this.#rest
  }
}

/** A lab, and the places of its values in the input. */
export interface LabWithPlaces {
  readonly lab: ResolvedLab
  /** Adds the place to mistakes that are found later, such as an unknown certificate. */
  readonly locate: (mistakes: readonly Mistake[]) => PlacedMistake[]
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
  path,
  message,
})

/** Returns mistakes with their places in the order of the text, without duplicates. */
export function placedInOrder(mistakes: readonly Mistake[], locate: Locate): PlacedMistake[] {
  const placed = mistakes.map(locate).sort((a, b) => a.offset - b.offset)
  return placed.filter(({ line }, index) => placed.findIndex((one) => one.line === line) === index)
}

/** Returns the lines of mistakes. */
export const linesOf = (placed: readonly PlacedMistake[]): string[] => placed.map(({ line }) => line)

/** Returns a path as a JSON pointer (RFC 6901): `/virtualServers/2/port`. */
export const pointerOf = (path: Path): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** Returns a JSON pointer as a path in text: `virtualServers[2].port`. */
export const pointerText = (pointer: string): string =>
  pathText(
    pointer
      .split('/')
      .slice(1)
      .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'))),
  )

/** Returns the value at a path, or undefined. What every object inherits, such as `constructor`, is not a value. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}
