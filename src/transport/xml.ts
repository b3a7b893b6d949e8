/** Text that is not the XML that this module reads. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

/** An element. Its name has no prefix. */
export interface XmlElement {
  readonly name: string
  readonly namespace: string | undefined
  /** Values by name as written, with prefix. */
  readonly attributes: ReadonlyMap<string, string>
  text: string
  readonly children: XmlElement[]
}

const MAX_ELEMENTS = 50_000
const MAX_DEPTH = 50
/**
 * Reads each token in one pass. Names end where no further character fits, and characters of attributes outside of quotes are
 * limited: a tag without its end would otherwise be read again from each of its characters.
 */
const TOKEN =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([\w.:-]+)(?![\w.:-])((?:[^<>"']|"[^"]*"|'[^']*'){0,2000})>|[^<]+/y
const ATTRIBUTE = /\s+([\w.:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Parses XML without a DTD, which reports and logos do not need and attacks use. @throws XmlError with a predicate */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', namespace: undefined, attributes: new Map(), text: '', children: [] }
  const open: XmlElement[] = [root]
  let elements = 0
  TOKEN.lastIndex = text.startsWith('\ufeff') ? 1 : 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) {
      const what = text.startsWith('<!DOCTYPE', at) ? 'has a DTD' : `is not XML at character ${at}`
      throw new XmlError(what)
    }
    const [token, data, slash, name = '', attributes = ''] = match
    const current = open.at(-1) as XmlElement
    if (data !== undefined) current.text += data
    else if (slash === undefined) current.text += token.startsWith('<') ? '' : decodeEntities(token)
    else if (slash === '/') {
      if (open.length === 1 || localName(name) !== current.name) throw new XmlError(`has a wrong end tag ${token}`)
      open.pop()
    } else {
      if (++elements > MAX_ELEMENTS || open.length > MAX_DEPTH) throw new XmlError('has too many elements')
      const own = attributesIn(attributes, token)
      const element = {
        name: localName(name),
        namespace: namespaceIn(name, own),
        attributes: own,
        text: '',
        children: [],
      }
      current.children.push(element)
      if (!attributes.endsWith('/')) open.push(element)
    }
  }
  const [first, ...others] = root.children
  if (!first || open.length > 1) throw new XmlError('ends early')
  if (others.length > 0) throw new XmlError('has several root elements')
  return first
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

function attributesIn(text: string, tag: string): Map<string, string> {
  const found = new Map<string, string>()
  let end = 0
  ATTRIBUTE.lastIndex = 0
  for (let match = ATTRIBUTE.exec(text); match; match = ATTRIBUTE.exec(text)) {
    const [, name = '', double, single = ''] = match
    if (found.has(name)) throw new XmlError(`has the attribute ${name} twice in a tag`)
    found.set(name, decodeEntities(double ?? single))
    end = ATTRIBUTE.lastIndex
  }
  if (!/^\s*\/?$/.test(text.slice(end))) throw new XmlError(`has a wrong tag ${tag.slice(0, 60)}`)
  return found
}

const namespaceIn = (name: string, attributes: ReadonlyMap<string, string>): string | undefined =>
  attributes.get(name.includes(':') ? `xmlns:${name.slice(0, name.indexOf(':'))}` : 'xmlns')

const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return Number.isNaN(code) ? (ENTITIES[name] ?? whole) : code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
