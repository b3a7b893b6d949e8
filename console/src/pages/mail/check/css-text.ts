/** The features of a style sheet as it is written: browsers drop what they do not know. */
export interface CssUse {
  readonly selectors: readonly string[]
  readonly atRules: readonly string[]
  readonly declarations: readonly { readonly property: string; readonly value: string }[]
  readonly comments: number
  /** Whether a rule is in another one without being in an at-rule. */
  readonly isNested: boolean
}

/** Reads a style sheet, or the declarations of a `style` attribute. https://www.w3.org/TR/css-syntax-3/ */
export function readCss(text: string, isAttribute = false): CssUse {
  const comments = text.match(/\/\*[\s\S]*?\*\//g)?.length ?? 0
  const plain = text.replaceAll(/\/\*[\s\S]*?\*\/|<!--|-->/g, ' ')
  const use = {
    selectors: [] as string[],
    atRules: [] as string[],
    declarations: [] as { property: string; value: string }[],
  }
  const open: ('rule' | 'at')[] = isAttribute ? ['rule'] : []
  let isNested = false
  for (const { prelude, end } of statements(plain)) {
    if (end === '{') {
      if (prelude.startsWith('@')) use.atRules.push(prelude)
      else {
        use.selectors.push(prelude)
        if (open.includes('rule')) isNested = true
      }
      open.push(prelude.startsWith('@') && !/^@(?:font-face|page)/i.test(prelude) ? 'at' : 'rule')
      continue
    }
    if (prelude.startsWith('@')) use.atRules.push(prelude)
    else if (open.includes('rule')) {
      const [, property = '', value = ''] = /^([\w-]+)\s*:\s*([\s\S]*)$/.exec(prelude) ?? []
      if (property) use.declarations.push({ property: property.toLowerCase(), value: value.trim().toLowerCase() })
    }
    if (end === '}') open.pop()
  }
  return { ...use, comments, isNested }
}

/** Yields what stands before each `{`, `}` and `;` that is not in a string or in parentheses. */
function* statements(text: string): Generator<{ readonly prelude: string; readonly end: string }> {
  let start = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string
    if (letter === '"' || letter === "'") {
      const close = text.indexOf(letter, at + 1)
      at = close === -1 ? text.length : close
    } else if (letter === '(') depth++
    else if (letter === ')') depth = Math.max(0, depth - 1)
    else if (depth === 0 && (letter === '{' || letter === '}' || letter === ';')) {
      const prelude = text.slice(start, at).trim()
      if (prelude !== '' || letter === '}') yield { prelude, end: letter }
      start = at + 1
    }
  }
  const rest = text.slice(start).trim()
  if (rest !== '') yield { prelude: rest, end: ';' }
}
