/** Where in the input something stands: keys and list positions from the top. */
export type Path = readonly (string | number)[]

/** Something wrong with a configuration: where, and in words what is wrong and what would be right. */
export interface Mistake {
  readonly path: Path
  readonly message: string
  /** The key itself is wrong, not its value. */
  readonly onKey?: boolean
  /** Another place that the message speaks of as `{other}`. */
  readonly other?: Path
}

/** Gives a mistake its place: `FILE:LINE:COLUMN: virtualServers[2].port: …`, or the variable or option it came from. */
export type Place = (mistake: Mistake) => Placed

interface Placed {
  readonly line: string
  /** How far into the text it stands: mistakes are told in the order of the text. */
  readonly offset: number
}

/** A configuration that cannot be used; all its mistakes, each one line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

/** `virtualServers[2].port`; keys that are not words are quoted. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** A mistake of which only the path is known. */
export const placeByPath: Place = ({ path, message }) => ({
  line: path.length === 0 ? message : `${pathText(path)}: ${message}`,
  offset: 0,
})

/** The lines of mistakes, in the order of the text, each once. */
export function inOrder(mistakes: readonly Mistake[], place: Place): string[] {
  const placed = mistakes.map(place).sort((a, b) => a.offset - b.offset)
  return [...new Set(placed.map(({ line }) => line))]
}

/** What stands at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}
