import type { CommandRow, Tags, TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import { isVariableName } from '../templates.ts'

interface Modifier {
  /** Modifiers of higher precedence are applied first; of one precedence only one may be used. */
  readonly precedence: number
  readonly change: (text: string) => string
  readonly extension?: string
}

const first = (text: string, change: (char: string) => string): string => {
  const [char = ''] = text
  return change(char) + text.slice(char.length)
}

/** RFC 5229 section 4.1; draft-ietf-sieve-regex-01 section 6; RFC 5435 section 6. */
const MODIFIERS: Readonly<Record<string, Modifier>> = {
  lower: { precedence: 40, change: (text) => text.toLowerCase() },
  upper: { precedence: 40, change: (text) => text.toUpperCase() },
  lowerfirst: { precedence: 30, change: (text) => first(text, (char) => char.toLowerCase()) },
  upperfirst: { precedence: 30, change: (text) => first(text, (char) => char.toUpperCase()) },
  quotewildcard: { precedence: 20, change: (text) => text.replaceAll(/[*?\\]/g, '\\$&') },
  quoteregex: { precedence: 20, extension: 'regex', change: (text) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&') },
  encodeurl: {
    precedence: 15,
    extension: 'enotify',
    change: (text) =>
      Buffer.from(text)
        .toString('latin1')
        .replaceAll(/[^\w.~-]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`),
  },
  length: { precedence: 10, change: (text) => String([...text].length) },
}

const tags: Tags = Object.fromEntries(
  Object.entries(MODIFIERS).map(([name, { precedence, extension }]) => [
    name,
    { group: `modifier of precedence ${precedence}`, ...(extension !== undefined && { extension }) },
  ]),
)
const ordered = Object.entries(MODIFIERS).sort(([, a], [, b]) => b.precedence - a.precedence)

/** RFC 5229 section 4. */
export const set: CommandRow = {
  name: 'set',
  extensions: ['variables'],
  tags,
  arguments: [
    {
      name: 'name',
      type: 'string',
      constant: true,
      check: (name) =>
        isVariableName(name.replace(/^global\./i, '')) ? undefined : 'use letters, digits and "_", not first a digit',
    },
    { name: 'value', type: 'string' },
  ],
  run(call) {
    let value = call.text('value')
    for (const [name, { change }] of ordered) if (call.has(name)) value = change(value)
    call.run.set(call.text('name'), value)
    return undefined
  },
}

/** RFC 5229 section 5. */
export const string: TestRow = {
  name: 'string',
  extensions: ['variables'],
  tags: MATCHING,
  arguments: [
    { name: 'source', type: 'strings' },
    { name: 'keys', type: 'strings' },
  ],
  test(call) {
    const source = call.texts('source')
    return anyMatch(call, call.has('count') ? source.filter((text) => text !== '') : source, call.texts('keys'))
  },
}
