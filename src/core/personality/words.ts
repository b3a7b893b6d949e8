/**
 * A text in the words of a personality. `{name}` stands for a fact. A function chooses by the facts; undefined: the
 * server's own text.
 */
export type Words<Facts> = string | ((facts: Facts) => string | undefined)

/** Texts by their keys. Each protocol documents its keys. */
export type WordTable<Facts> = Readonly<Record<string, Words<Facts>>>

/** Returns the text of the first key that the table has; undefined if it has none of them. */
export function wordsFor<Facts extends object>(
  table: WordTable<Facts>,
  keys: readonly string[],
  facts: Facts,
): string | undefined {
  const key = keys.find((candidate) => Object.hasOwn(table, candidate))
  return key === undefined ? undefined : fillInFacts(table[key] as Words<Facts>, facts)
}

/** Returns a text with its facts. */
export function fillInFacts<Facts extends object>(words: Words<Facts>, facts: Facts): string | undefined {
  if (typeof words === 'function') return words(facts)
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const fact = facts[name as keyof Facts]
    return typeof fact === 'string' || typeof fact === 'number' ? String(fact) : whole
  })
}

/** Returns the lines of a list, such as capabilities. A line without a text is left out. */
export const linesOf = <Facts extends object>(rows: readonly Words<Facts>[], facts: Facts): string[] =>
  rows.flatMap((row) => fillInFacts(row, facts) ?? [])

/** Returns the key of an error: its text without `Error: `, up to a colon. What follows may depend on the client's input. */
export const errorKey = (text: string): string => /^(?:Error: )?([^:]*)/.exec(text)?.[1] ?? text
