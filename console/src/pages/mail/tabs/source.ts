/** A part of the source of a message: a header, a body or a boundary line. */
export interface SourceSection {
  readonly kind: 'header' | 'body' | 'boundary'
  /** How many multiparts are around it. */
  readonly depth: number
  readonly lines: readonly string[]
  /** Number of the first line, counted from 1. */
  readonly line: number
}

/** Splits the source of a message into its headers, bodies and boundaries. RFC 2046 section 5.1.1. */
export function sourceSections(source: string): SourceSection[] {
  const lines = source.split(/\r?\n/)
  const sections: SourceSection[] = []
  const boundaries: string[] = []
  let start = 0
  let kind: 'header' | 'body' = 'header'
  const close = (end: number): void => {
    if (lines.slice(start, end).some((line) => line !== ''))
      sections.push({ kind, depth: boundaries.length, lines: lines.slice(start, end), line: start + 1 })
    start = end
  }
  for (const [index, line] of lines.entries()) {
    const level = line.startsWith('--') ? boundaries.findLastIndex((one) => line.startsWith(`--${one}`)) : -1
    if (level >= 0) {
      close(index)
      const isEnd = line.startsWith(`--${boundaries[level]}--`)
      boundaries.length = isEnd ? level : level + 1
      sections.push({ kind: 'boundary', depth: boundaries.length, lines: [line], line: index + 1 })
      start = index + 1
      kind = isEnd ? 'body' : 'header'
    } else if (kind === 'header' && line === '') {
      const header = lines.slice(start, index).join('\n')
      close(index)
      // The empty line is between the two.
      start = index + 1
      kind = isMessage(header) ? 'header' : 'body'
      const boundary = boundaryIn(header)
      if (boundary !== undefined) boundaries.push(boundary)
    }
  }
  close(lines.length)
  return sections
}

const contentType = (header: string): string => /^content-type:((?:.|\n[ \t])*)/im.exec(header)?.[1] ?? ''

/** Returns whether a body is a message: it begins with a header again. */
const isMessage = (header: string): boolean => /^\s*message\/(?:rfc822|global)\b/i.test(contentType(header))

function boundaryIn(header: string): string | undefined {
  const type = contentType(header)
  if (!/^\s*multipart\//i.test(type)) return undefined
  const [, quoted, plain] = /\bboundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(type) ?? []
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
}
