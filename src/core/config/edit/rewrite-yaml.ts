import { isDeepStrictEqual } from 'node:util'
import { type Document, isMap, visit, type YAMLMap } from 'yaml'
import { ConfigError } from '../mistakes.ts'
import { parseText, type YamlText } from '../yaml.ts'
import { keepFormatting } from './keep-formatting.ts'

/**
 * Changes the document of a YAML text. All other lines stay as they are, with their comments.
 * @param name the name of the text in messages
 * @throws ConfigError for a text that is not YAML, and if the change removes an anchor that is used
 */
export function rewriteYaml<Result>(
  text: string,
  name: string,
  change: (yaml: YamlText) => Result,
): { readonly text: string; readonly result: Result } {
  const yaml = parseText(text, name)
  const { document } = yaml
  keepPadding(document, text)
  const before = stringifyLike(text, document)
  const result = change(yaml)
  assertAnchors(yaml)
  keepPadding(document, text)
  const after = document.toString(before.options)
  const kept = text.startsWith(BOM)
    ? BOM + mergeFormatting(text.slice(1), before.text, after)
    : mergeFormatting(text, before.text, after)
  return { text: hasContent(kept, name, yaml.content()) ? kept : after, result }
}

const BOM = '\uFEFF'

/** Returns a text with the formatting of the original. An empty one has none. */
const mergeFormatting = (text: string, before: string, after: string): string =>
  text.trim() === '' ? after : keepFormatting(text, before, after)

/** How the writer formats. The one that changes least of the original is taken. */
const styles = [2, 4, 3, 1].flatMap((indent) => [true, false].map((indentSeq) => ({ indent, indentSeq, lineWidth: 0 })))

/** Keeps the spaces inside of brackets. New values get the spaces of the documentation: `{ a: 1 }` and `[a, b]`. */
function keepPadding(document: Document, text: string): void {
  visit(document, {
    Collection(_, node) {
      const start = node.range?.[0]
      const isPadded = start === undefined ? isMap(node) : /^.\s/.test(text.slice(start, start + 2))
      const { toString } = Object.getPrototypeOf(node) as YAMLMap
      node.toString = (context, ...more) =>
        toString.call(node, context && { ...context, flowCollectionPadding: isPadded ? ' ' : '' }, ...more)
    },
  })
}

function stringifyLike(text: string, document: Document): { text: string; options: (typeof styles)[number] } {
  const own = new Set(text.split(/\r?\n/))
  let best = { text: '', options: styles[0] as (typeof styles)[number], foreign: Number.POSITIVE_INFINITY }
  for (const options of styles) {
    const written = document.toString(options)
    const foreign = written.split('\n').filter((line) => !own.has(line)).length
    if (foreign < best.foreign) best = { text: written, options, foreign }
    if (foreign === 0) break
  }
  return best
}

function hasContent(text: string, name: string, content: unknown): boolean {
  try {
    return isDeepStrictEqual(parseText(text, name).content(), content)
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}

/** Checks that the anchor of each alias is still there. @throws ConfigError */
export function assertAnchors({ document, at }: YamlText): void {
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      const place = at(alias.range?.[0] ?? 0)
      const message = `needs the anchor &${alias.source}, which the change removes; change the file by hand`
      throw new ConfigError([{ place, offset: 0, message, line: `${place}: ${message}` }])
    },
  })
}
