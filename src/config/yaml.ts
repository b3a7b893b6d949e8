import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
  visit,
} from 'yaml'
import { type LoadedConfig, load, type Override } from './load.ts'
import { ConfigError, type Path, type Place, pathText } from './mistakes.ts'

/**
 * Reads a lab's YAML file. Relative folders in it are relative to it.
 * @throws ConfigError with every mistake, each with its place
 */
export async function loadFile(file: string, overrides: readonly Override[] = []): Promise<LoadedConfig> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read: ${reason(error)}`])
  }
  return loadText(text, file, dirname(resolve(file)), overrides)
}

/**
 * The same for a YAML text that is at hand.
 * @param name what it is called in messages
 * @throws ConfigError
 */
export function loadText(
  text: string,
  name: string,
  baseDir: string,
  overrides: readonly Override[] = [],
): LoadedConfig {
  const { value, place } = parseYaml(text, name)
  return load(value, baseDir, overrides, place)
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
  }
  return known[code ?? ''] ?? message
}

/** What a YAML text says, and where in it each key stands. */
export interface YamlInput {
  readonly value: unknown
  /** `FILE:LINE:COLUMN: path: message`, lines and columns counted from 1. */
  readonly place: Place
}

/**
 * Reads one YAML 1.2 document. An empty one is an empty mapping.
 * @param file what it is called in messages
 * @throws ConfigError every error of syntax, each with its place
 */
export function parseYaml(text: string, file: string): YamlInput {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0)
    throw new ConfigError(errors.map(({ pos, message }) => `${at(pos[0])}: YAML: ${oneLine(message)}`))
  return {
    value: valueOf(document, at),
    place: ({ path, message, onKey }) => {
      const where = path.length === 0 ? '' : `${pathText(path)}: `
      const offset = offsetOf(document, path, onKey ?? false)
      return { line: `${at(offset)}: ${where}${message}`, offset }
    },
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

function valueOf(document: Document.Parsed, at: (offset: number) => string): unknown {
  const lost: string[] = []
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document))
        lost.push(`${at(startOf(alias))}: YAML: no anchor &${alias.source} stands before this`)
    },
  })
  if (lost.length > 0) throw new ConfigError(lost)
  try {
    return document.toJS() ?? {}
  } catch (error) {
    // Aliases of aliases, by which a small file would grow without bound.
    throw new ConfigError([`${at(0)}: YAML: ${oneLine((error as Error).message)}`])
  }
}

/** Where the value at a path begins, or its key; where it is absent, what it would stand in. */
function offsetOf(document: Document.Parsed, path: Path, onKey: boolean): number {
  let node: Node | null = document.contents
  let offset = startOf(node)
  for (const [depth, step] of path.entries()) {
    const child = childOf(resolved(node, document), step)
    if (child === undefined) return offset
    const last = depth === path.length - 1
    offset = startOf((last && onKey ? child.key : child.value) ?? child.key ?? child.value)
    node = child.value
  }
  return offset
}

function childOf(node: Node | null, step: string | number): { key: Node | null; value: Node | null } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step]
    return isNode(item) ? { key: null, value: item } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  if (!isPair(pair)) return undefined
  return { key: pair.key as Node, value: isNode(pair.value) ? pair.value : null }
}

const resolved = (node: Node | null, document: Document.Parsed): Node | null =>
  isAlias(node) ? (node.resolve(document) ?? null) : node

const startOf = (node: Node | null | undefined): number => node?.range?.[0] ?? 0

/** One value as an environment variable or an option holds it: `3000`, `off`, `{ lmdb: /data }`. Never throws. */
export function parseYamlValue(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false })
  return document.errors.length > 0 ? text : (document.toJS() as unknown)
}

/** The other way round: a value as a YAML text. */
export const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0 })
