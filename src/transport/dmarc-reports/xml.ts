import { DmarcReportError } from './types.ts'

/** An element without its attributes, except the namespace. Names have no prefix. */
export interface XmlElement {
  readonly name: string
  readonly namespace: string | undefined
  text: string
  readonly children: XmlElement[]
}

const MAX_ELEMENTS = 50_000
const MAX_DEPTH = 20
/**
 * Reads each token in one pass. Names end where no further character fits, and characters of attributes outside of quotes are
 * limited: a tag without its end would otherwise be read again from each of its characters.
 */
const TOKEN =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([\w.:-]+)(?![\w.:-])((?:[^<>"']|"[^"]*"|'[^']*'){0,2000})>|[^<]+/y
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Parses XML without a DTD, which no report needs and attacks use. @throws DmarcReportError */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', namespace: undefined, text: '', children: [] }
  const open: XmlElement[] = [root]
  let elements = 0
  TOKEN.lastIndex = text.startsWith('\ufeff') ? 1 : 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) {
      const what = text.startsWith('<!DOCTYPE', at) ? 'has a DTD' : `is not XML at character ${at}`
      throw new DmarcReportError(`the DMARC report ${what}`)
    }
    const [token, data, slash, name = '', attributes = ''] = match
    const current = open.at(-1) as XmlElement
    if (data !== undefined) current.text += data
    else if (slash === undefined) current.text += token.startsWith('<') ? '' : decoded(token)
    else if (slash === '/') {
      if (open.length === 1 || localName(name) !== current.name)
        throw new DmarcReportError(`the DMARC report has a wrong end tag ${token}`)
      open.pop()
    } else {
      if (++elements > MAX_ELEMENTS || open.length > MAX_DEPTH)
        throw new DmarcReportError('the DMARC report has too many elements')
      const element = { name: localName(name), namespace: namespaceIn(name, attributes), text: '', children: [] }
      current.children.push(element)
      if (!attributes.endsWith('/')) open.push(element)
    }
  }
  const [first] = root.children
  if (!first || open.length > 1) throw new DmarcReportError('the DMARC report ends early')
  return first
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

function namespaceIn(name: string, attributes: string): string | undefined {
  const prefix = name.includes(':') ? `:${name.slice(0, name.indexOf(':'))}` : ''
  const value = new RegExp(`(?:^|\\s)xmlns${prefix}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes)
  return value?.[1] ?? value?.[2]
}

const decoded = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return Number.isNaN(code) ? (ENTITIES[name] ?? whole) : code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
