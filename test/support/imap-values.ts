/** An IMAP value: a list, a string (quoted or literal, as an octet string), or an atom such as NIL or a number. */
export type ImapValue = readonly ImapValue[] | { readonly string: string } | { readonly atom: string }

/** Parses the values in `text` (an octet string) from `at` to the closing `)` or the line end. */
export function readValues(text: string, at = 0): { values: ImapValue[]; at: number } {
  const values: ImapValue[] = []
  let here = at
  while (here < text.length && text[here] !== ')' && text[here] !== '\r') {
    if (text[here] === ' ') here++
    else {
      const read = readValue(text, here)
      values.push(read.value)
      here = read.at
    }
  }
  return { values, at: here }
}

function readValue(text: string, at: number): { value: ImapValue; at: number } {
  if (text[at] === '(') {
    const inside = readValues(text, at + 1)
    return { value: inside.values, at: inside.at + 1 }
  }
  const literal = /~?\{(\d+)\+?\}\r\n/y
  literal.lastIndex = at
  const size = literal.exec(text)?.[1]
  if (size !== undefined) {
    const end = literal.lastIndex + Number(size)
    return { value: { string: text.slice(literal.lastIndex, end) }, at: end }
  }
  const pattern = text[at] === '"' ? /"((?:[^"\\]|\\.)*)"/sy : /[^ ()\r"]+/y
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (!found) throw new Error(`no IMAP value at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`)
  const value = text[at] === '"' ? { string: (found[1] ?? '').replace(/\\(.)/gs, '$1') } : { atom: found[0] }
  return { value, at: pattern.lastIndex }
}

/** Returns the FETCH responses in a server's output: item name → value, by sequence number. */
export function fetchResponses(said: Buffer): Map<number, Map<string, ImapValue>> {
  const text = said.toString('latin1')
  const found = new Map<number, Map<string, ImapValue>>()
  const start = /^\* (\d+) FETCH \(/gm
  for (let match = start.exec(text); match; match = start.exec(text)) {
    const { values, at } = readValues(text, start.lastIndex)
    start.lastIndex = at
    found.set(Number(match[1]), itemsOf(values))
  }
  return found
}

function itemsOf(values: readonly ImapValue[]): Map<string, ImapValue> {
  const items = new Map<string, ImapValue>()
  for (let i = 0; i + 1 < values.length; i += 2) {
    const name = values[i]
    if (name && 'atom' in name) items.set(name.atom, values[i + 1] as ImapValue)
  }
  return items
}
