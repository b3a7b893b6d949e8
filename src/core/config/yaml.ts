import { isUtf8 } from 'node:buffer'
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
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml'
import { readUserFile } from '../files/user-files.ts'
import { type LoadedConfig, load, type Override } from './load.ts'
import { ConfigError, type Locate, type Path, pathText } from './mistakes.ts'
import { isMerge, yamlErrors } from './yaml-errors.ts'

/** Reads the text of a lab's YAML file. @throws ConfigError */
export async function readConfigFile(file: string): Promise<string> {
  let octets: Buffer
  try {
    octets = await readUserFile(file)
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
  return decodeFile(octets, file)
}

/** Decodes a file. @throws ConfigError with the first place that is not UTF-8 */
function decodeFile(octets: Buffer, file: string): string {
  if (isUtf8(octets)) return octets.toString()
  const cure = 'save it as UTF-8'
  // The byte order marks of UTF-16.
  if (/^(?:fffe|feff)/.test(octets.toString('hex', 0, 2))) throw new ConfigError([`${file}: is UTF-16; ${cure}`])
  const lines = octets.toString('latin1').split('\n')
  const index = lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1')))
  const decoded = Buffer.from(lines[index] ?? '', 'latin1').toString()
  const column = decoded.indexOf('\uFFFD')
  const octet = Buffer.from(lines[index] ?? '', 'latin1')[Buffer.byteLength(decoded.slice(0, column))]
  const found = `octet 0x${octet?.toString(16)}`
  throw new ConfigError([
    `${file}:${index + 1}:${column + 1}: is not UTF-8 (${found}); ${cure}, for example with: iconv -f WINDOWS-1252 -t UTF-8`,
  ])
}

/**
 * Reads a lab from a YAML text.
 * @param name its name in messages
 * @param baseDir the folder to which folders in the text are relative
 * @throws ConfigError
 */
export function loadText(
  text: string,
  name: string,
  baseDir: string,
  overrides: readonly Override[] = [],
): LoadedConfig {
  const { value, locate } = parseYaml(text, name)
  return load(value, baseDir, overrides, locate)
}

interface YamlInput {
  readonly value: unknown
  /** Returns `FILE:LINE:COLUMN: path: message`; lines and columns are counted from 1. */
  readonly locate: Locate
}

/** A YAML 1.2 document with anchors and merge keys. */
export interface YamlText {
  readonly document: Document.Parsed
  /** Returns `FILE:LINE:COLUMN` of an offset. */
  at(offset: number): string
  /** Returns the offset of a value, or of the mapping that it belongs to if it is missing. */
  offsetOf(path: Path, onKey?: boolean): number
  /** Returns the node of a value, through aliases and merge keys. */
  nodeAt(path: Path): Node | undefined
  /** Returns the node of the key of a value, in the same way. */
  keyAt(path: Path): Node | undefined
  /** Returns the value of the document as it is now, an empty mapping for an empty one. @throws ConfigError if it is too much */
  content(): unknown
}

/** Parses a YAML text. @param file its name in messages @throws ConfigError with every syntax error and its place */
export function parseText(text: string, file: string): YamlText {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, uniqueKeys: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const errors = yamlErrors(document, text, (offset) => Math.max(lines.linePos(offset).line, 1))
  if (errors.length > 0) {
    const placed = errors.map(({ offset, message }) => {
      const place = at(offset)
      return { line: `${place}: YAML: ${message}`, offset, message: `YAML: ${message}`, place }
    })
    throw new ConfigError(placed)
  }
  return {
    document,
    at,
    offsetOf: (path, onKey = false) => offsetOf(document, path, onKey),
    nodeAt: (path) => nodeAt(document, path),
    keyAt: (path) =>
      childOf(nodeAt(document, path.slice(0, -1)) ?? null, path.at(-1) ?? '', document)?.key ?? undefined,
    content: () => documentValue(document, at),
  }
}

/**
 * Parses a configuration. An empty document is an empty mapping. Top-level keys that start with `x-` are left out: they
 * hold anchors.
 * @throws ConfigError with every syntax error and its place
 */
export function parseYaml(text: string, file: string): YamlInput {
  const { at, offsetOf, content } = parseText(text, file)
  return {
    value: withoutAnchors(content()),
    locate: ({ path, message, onKey }) => {
      const where = path.length === 0 ? '' : `${pathText(path)}: `
      const offset = offsetOf(path, onKey)
      const place = at(offset)
      return { line: `${place}: ${where}${message}`, offset, path, message, place }
    },
  }
}

/** Returns a configuration without the top-level keys that start with `x-`. */
export function withoutAnchors(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')))
}

function documentValue(document: Document.Parsed, at: (offset: number) => string): unknown {
  try {
    return (document.toJS() as unknown) ?? {}
  } catch {
    // The library limits how far aliases of aliases expand: a small file could fill the memory.
    throw new ConfigError([`${at(0)}: YAML: the aliases of this file expand to too much data`])
  }
}

/** Returns the offset of the value at a path, or of its key. For a missing value: of the mapping it belongs to. */
function offsetOf(document: Document.Parsed, path: Path, onKey: boolean): number {
  let node: Node | null = document.contents
  let offset = startOf(node)
  for (const [depth, step] of path.entries()) {
    const child = childOf(resolveAlias(node, document), step, document)
    if (child === undefined) return offset
    const last = depth === path.length - 1
    offset = startOf((last && onKey ? child.key : child.value) ?? child.key ?? child.value)
    node = child.value
  }
  return offset
}

function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  let node: Node | null = document.contents
  for (const step of path) node = childOf(resolveAlias(node, document), step, document)?.value ?? null
  return resolveAlias(node, document) ?? undefined
}

interface Child {
  readonly key: Node | null
  readonly value: Node | null
}

function childOf(node: Node | null, step: string | number, document: Document.Parsed): Child | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step]
    return isNode(item) ? { key: null, value: item } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  if (isPair(pair)) return { key: pair.key as Node, value: isNode(pair.value) ? pair.value : null }
  for (const source of mergedInto(node, document)) {
    const child = childOf(source, step, document)
    if (child) return child
  }
  return undefined
}

function mergedInto(map: YAMLMap, document: Document.Parsed): Node[] {
  return map.items.filter(isMerge).flatMap(({ value }: Pair) => {
    const source = resolveAlias(isNode(value) ? value : null, document)
    const sources = isSeq(source) ? source.items.map((item) => resolveAlias(item as Node, document)) : [source]
    return sources.filter((one) => one !== null)
  })
}

const resolveAlias = (node: Node | null, document: Document.Parsed): Node | null =>
  isAlias(node) ? (node.resolve(document) ?? null) : node

const startOf = (node: Node | null | undefined): number => node?.range?.[0] ?? 0

/** Parses one value of an environment variable: `3000`, `off`, `{ lmdb: /data }`. Returns the text if it is not YAML. */
export function parseYamlValue(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false })
  return document.errors.length > 0 ? text : (document.toJS() as unknown)
}

/** Returns a value as a YAML text. */
export const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0 })
