import type { MessagePart } from './types.ts'
import { parameterText } from './words.ts'

/** The marks of quotation, and the rest of the line without the space that was stuffed. RFC 3676 sections 4.4 and 4.5. */
const LINE = /^(>*) ?(.*)$/s
/** Not flowed, although it ends in a space. RFC 3676 section 4.3. */
const SIGNATURE = '-- '

/** Joins the lines of format=flowed that are one paragraph, as their reader sees it. RFC 3676 section 4. */
class FlowedLines {
  readonly #deletesSpace: boolean
  /** Depth of quotation of the paragraph that the next line may go on with. */
  #depth: number | undefined
  #isFirst = true
  /** The line that has not ended yet. */
  #pending: string[] = []

  /** @param deletesSpace DelSp=yes: the space at the end of a flowed line is not part of the text */
  constructor(deletesSpace: boolean) {
    this.#deletesSpace = deletesSpace
  }

  /** Returns what a piece of the text, with LF line ends, adds to the lines that have ended. */
  add(text: string): string {
    const [first = '', ...others] = text.split('\n')
    this.#pending.push(first)
    if (others.length === 0) return ''
    const added = [this.end()]
    const last = others.pop() as string
    for (const line of others) added.push(this.#line(line))
    this.#pending = [last]
    return added.join('')
  }

  /** Returns what the last line adds. */
  end(): string {
    return this.#line(this.#pending.join(''))
  }

  #line(line: string): string {
    const [, marks = '', content = ''] = LINE.exec(line) ?? []
    const isSignature = content === SIGNATURE
    // A change of depth ends a paragraph, although its last line was flowed. RFC 3676 section 4.5.
    const goesOn = this.#depth === marks.length && !isSignature
    const before = goesOn ? '' : `${this.#isFirst ? '' : '\n'}${marks}${marks === '' ? '' : ' '}`
    const isFlowed = content.endsWith(' ') && !isSignature
    this.#depth = isFlowed ? marks.length : undefined
    this.#isFirst = false
    return before + (isFlowed && this.#deletesSpace ? content.slice(0, -1) : content)
  }
}

/** Returns what joins the lines of a text part; undefined if it is not format=flowed. RFC 3676 section 4. */
export function flowedLines({ subtype, params }: MessagePart): FlowedLines | undefined {
  const is = (name: string, value: string): boolean => parameterText(params, name)?.toLowerCase() === value
  if (subtype.toLowerCase() === 'html' || !is('format', 'flowed')) return undefined
  return new FlowedLines(is('delsp', 'yes'))
}
