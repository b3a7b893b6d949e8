import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { type Path, pathText } from './mistakes.ts'

/** An error in a YAML text, in our own words: the messages of the YAML library are written for programmers. */
interface YamlError {
  /** Offset in the text. */
  readonly offset: number
  readonly message: string
}

/**
 * Returns the errors of a document in the order of the text. Only the first syntax error of a line is returned, because
 * the others usually follow from it.
 * @param lineOf returns the line of an offset, counted from 1
 */
export function yamlErrors(document: Document.Parsed, text: string, lineOf: (offset: number) => number): YamlError[] {
  const syntax = [...document.errors, ...document.warnings].map((error) => syntaxError(error, document, text))
  if (syntax.length > 0) {
    const seen = new Set<number>()
    return sortByOffset(syntax).filter(({ offset }) => {
      const line = lineOf(offset)
      return !seen.has(line) && seen.add(line)
    })
  }
  return sortByOffset([...missingAnchors(document), ...duplicateKeys(document, lineOf), ...wrongMerges(document)])
}

/** Returns whether a pair is a merge key, `<<: *anchor`. */
export const isMerge = ({ key }: Pair): boolean => isScalar(key) && key.source === '<<' && key.type === 'PLAIN'

const sortByOffset = (errors: readonly YamlError[]): YamlError[] => [...errors].sort((a, b) => a.offset - b.offset)

function syntaxError({ code, message, pos }: YAMLError, document: Document.Parsed, text: string): YamlError {
  const offset = pos[0] + (/^ */.exec(text.slice(pos[0]))?.[0].length ?? 0)
  // The library reports an unclosed quote or bracket where the text ends. The user looks for where it starts.
  const quote = /^Missing closing (["'])/.exec(message)?.[1]
  if (quote) {
    return {
      offset: startAround(offset, document),
      message: `the quoted text that starts here has no closing ${quote}; add it`,
    }
  }
  const bracket = /end with a ([\]}])/.exec(message)?.[1]
  if (bracket) {
    const opening = bracket === ']' ? '[' : '{'
    return { offset: startAround(offset, document), message: `the ${opening} here has no closing ${bracket}; add it` }
  }
  const found = /^\S{1,20}/.exec(text.slice(offset))?.[0] ?? ''
  return { offset, message: (messages[code] ?? (() => 'not valid YAML'))(message, found) }
}

/** Returns the start of the innermost quoted text, list or mapping in brackets that includes an offset. */
function startAround(offset: number, document: Document.Parsed): number {
  let start = offset
  visit(document, {
    Node(_, node) {
      const [from = 0, to = 0] = node.range ?? []
      const isQuoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE')
      const isFlow = (isMap(node) || isSeq(node)) && node.flow === true
      if ((isQuoted || isFlow) && from <= offset && offset <= to) start = from
    },
  })
  return start
}

type Message = (message: string, found: string) => string

const tags: Message = () => 'tags (!name) are not supported'

/** Our messages by the library's error code; `found` is the text at the place of the error. */
const messages: Partial<Record<YAMLError['code'], Message>> = {
  ALIAS_PROPS: () => 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: (message) =>
    message.includes('ambiguous')
      ? 'the name of an anchor or alias cannot end with a colon'
      : 'an anchor (&name) or alias (*name) needs a name',
  BAD_COLLECTION_TYPE: tags,
  BAD_DIRECTIVE: () => 'unknown directive or YAML version; remove this line',
  BAD_DQ_ESCAPE: (_, found) =>
    `${found.slice(0, 2)} is not an escape sequence; write \\\\ for a backslash, or use single quotes`,
  BAD_INDENT: (message) => {
    if (message.startsWith('All mapping')) return 'keys of one mapping must start in the same column'
    if (message.startsWith('All sequence')) return 'items of one list must start in the same column'
    return 'wrong indentation; indent this more than the key it belongs to'
  },
  BAD_PROP_ORDER: (_, found) => `anchors and tags must stand after ${found}`,
  BAD_SCALAR_START: (_, found) => `a text cannot start with ${found.charAt(0)}; put it in quotes`,
  BLOCK_AS_IMPLICIT_KEY: () =>
    'a second key on the same line; start a new line for it, or put the text in quotes if it is not a key',
  BLOCK_IN_FLOW: () => 'inside [ ] and { }, write lists as [ ] and mappings as { }',
  KEY_OVER_1024_CHARS: () => 'a key can have at most 1024 characters',
  MISSING_CHAR: (message) => {
    if (message.includes('followed by map values'))
      return 'expected a colon after this key; add it, or indent the line like the keys above'
    if (message.includes('indicator') && message.includes('Sequence'))
      return 'expected a list item; begin it with "- ", or indent the line like the other keys of the item'
    if (message.startsWith('Missing ,')) return 'expected a comma before this'
    if (message.includes('space after :')) return 'expected a space after the colon'
    if (message.startsWith('Comments')) return 'expected a space before the #'
    return 'a character is missing here'
  },
  MULTILINE_IMPLICIT_KEY: () => 'expected a colon after this key; add it, or indent the line like the keys above',
  MULTIPLE_ANCHORS: () => 'a value can have only one anchor',
  MULTIPLE_DOCS: () => 'a second document starts here; put the whole configuration into one document',
  MULTIPLE_TAGS: tags,
  NON_STRING_KEY: () => 'a key must be text',
  TAB_AS_INDENT: () => 'a tab cannot be used for indentation; use spaces',
  TAG_RESOLVE_FAILED: tags,
  UNEXPECTED_TOKEN: (_, found) => `unexpected ${found || 'text'}`,
}

function missingAnchors(document: Document.Parsed): YamlError[] {
  const errors: YamlError[] = []
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      errors.push({
        offset: startOf(alias),
        message: `the anchor &${alias.source} is not defined before this; define it above, or put *${alias.source} in quotes`,
      })
    },
  })
  return errors
}

function duplicateKeys(document: Document.Parsed, lineOf: (offset: number) => number): YamlError[] {
  return [...mappings(document.contents, [])].flatMap(({ map, path }) => {
    const first = new Map<string, number>()
    return map.items.flatMap((pair): YamlError[] => {
      if (!isScalar(pair.key) || isMerge(pair)) return []
      const key = String(pair.key.value)
      const offset = startOf(pair.key)
      const earlier = first.get(key)
      if (earlier === undefined) {
        first.set(key, offset)
        return []
      }
      return [
        {
          offset,
          message: `${pathText([...path, key])}: duplicate key, also set in line ${lineOf(earlier)}; remove one of the two`,
        },
      ]
    })
  })
}

/** Returns an error for each merge key that does not refer to a mapping. */
function wrongMerges(document: Document.Parsed): YamlError[] {
  const resolved = (node: unknown): unknown => (isAlias(node) ? (node.resolve(document) ?? node) : node)
  return [...mappings(document.contents, [])].flatMap(({ map }) =>
    map.items.filter(isMerge).flatMap(({ key, value }): YamlError[] => {
      const source = resolved(value)
      const sources = isSeq(source) ? source.items.map(resolved) : [source]
      if (sources.every((one) => isMap(one) || isAlias(one))) return []
      return [{ offset: startOf(key), message: 'a merge key (<<) needs an alias of a mapping: <<: *name' }]
    }),
  )
}

/** Yields every mapping of a document with its path. */
function* mappings(node: unknown, path: Path): Generator<{ readonly map: YAMLMap; readonly path: Path }> {
  if (isSeq(node)) for (const [index, item] of node.items.entries()) yield* mappings(item, [...path, index])
  if (!isMap(node)) return
  yield { map: node, path }
  for (const pair of node.items) if (isPair(pair)) yield* mappings(pair.value, [...path, keyText(pair.key)])
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.source ?? key.value) : '?')

const startOf = (node: unknown): number => (isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0)
