/** The marks of quotation, and the rest of the line without the space that was stuffed. RFC 3676 sections 4.4 and 4.5. */
const LINE = /^(>*) ?(.*)$/s
/** Not flowed, although it ends in a space. RFC 3676 section 4.3. */
const SIGNATURE = '-- '

/**
 * Joins the lines of format=flowed that are one paragraph, as their reader sees it. RFC 3676 section 4.
 * @param text with LF line ends
 * @param deletesSpace DelSp=yes: the space at the end of a flowed line is not part of the text
 */
export function unflowed(text: string, deletesSpace: boolean): string {
  const paragraphs: string[] = []
  let flowing: { readonly depth: number; readonly pieces: string[] } | undefined
  const finish = (): void => {
    if (flowing)
      paragraphs.push(`${flowing.depth > 0 ? `${'>'.repeat(flowing.depth)} ` : ''}${flowing.pieces.join('')}`)
    flowing = undefined
  }
  for (const line of text.split('\n')) {
    const [, marks = '', content = ''] = LINE.exec(line) ?? []
    // A change of depth ends a paragraph, although its last line was flowed. RFC 3676 section 4.5.
    if (flowing && (flowing.depth !== marks.length || content === SIGNATURE)) finish()
    const paragraph: { readonly depth: number; readonly pieces: string[] } = flowing ?? {
      depth: marks.length,
      pieces: [],
    }
    flowing = paragraph
    const isFlowed = content.endsWith(' ') && content !== SIGNATURE
    paragraph.pieces.push(isFlowed && deletesSpace ? content.slice(0, -1) : content)
    if (!isFlowed) finish()
  }
  finish()
  return paragraphs.join('\n')
}
