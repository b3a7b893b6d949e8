import { parseXml, type XmlElement, XmlError } from '../../xml.ts'
import { BimiFailure } from './failure.ts'

/** Largest logo, decompressed. draft-svg-tiny-ps-abrotman-09 (November 2024) section 3 asks for less than 32 KB. */
export const MAX_LOGO_OCTETS = 32 * 1024

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'

/** The elements of SVG Tiny PS. draft-svg-tiny-ps-abrotman-09 section 2. */
const ELEMENTS = new Set(
  `
    circle defs desc ellipse g line linearGradient metadata path polygon polyline radialGradient rect solidColor stop
    svg tbreak text textArea title tspan use
  `.split(/\s+/),
)

/** Elements of SVG and HTML that a logo must not have, by what they are. */
const REFUSED: readonly (readonly [what: string, names: RegExp])[] = [
  ['a script', /^(?:script|handler|listener|iframe|object|embed)$/],
  ['an image or another medium', /^(?:image|video|audio|animation|foreignObject|filter|feImage)$/],
  ['an animation', /^(?:animate|animateColor|animateMotion|animateTransform|set|discard|mpath)$/],
  ['a link', /^a$/],
  ['a style sheet', /^(?:style|link)$/],
]

/**
 * Checks a logo by SVG Tiny Portable/Secure. Returns a warning about what mail programs may not show well; undefined if there is
 * nothing to say. draft-svg-tiny-ps-abrotman-09 section 2. @throws BimiFailure
 */
export function checkLogo(octets: Buffer): string | undefined {
  if (octets.length > MAX_LOGO_OCTETS) throw logoFailure(`has more than ${MAX_LOGO_OCTETS} octets`)
  const text = octets.toString('utf8')
  const svg = rootOf(text)
  // Style sheets are named by an instruction before the element.
  if (/<\?(?!xml\s)/i.test(text)) throw logoFailure('has a processing instruction')
  if (svg.name !== 'svg' || svg.namespace !== SVG_NAMESPACE) throw logoFailure('is not SVG')
  for (const [name, value] of [
    ['version', '1.2'],
    ['baseProfile', 'tiny-ps'],
  ] as const) {
    if (svg.attributes.get(name) !== value) throw logoFailure(`lacks ${name}="${value}"`)
  }
  for (const name of ['x', 'y']) if (svg.attributes.has(name)) throw logoFailure(`has the attribute ${name} in svg`)
  const title = svg.children.find(({ name }) => name === 'title')?.text.trim()
  if (!title) throw logoFailure('has no title')
  for (const child of svg.children) checkElement(child, false)
  checkAttributes(svg)
  const [, , width, height] = (svg.attributes.get('viewBox') ?? '').trim().split(/[\s,]+/)
  return width !== undefined && Number(width) === Number(height) ? undefined : 'the logo is not square'
}

function rootOf(text: string): XmlElement {
  try {
    return parseXml(text)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw logoFailure(error.message)
  }
}

/** Metadata may have elements of other vocabularies. */
function checkElement(element: XmlElement, isInMetadata: boolean): void {
  const { name, children } = element
  const refusal = REFUSED.find(([, names]) => names.test(name))
  if (refusal) throw logoFailure(`has ${refusal[0]} (${name})`)
  if (name === 'svg' || !(isInMetadata || ELEMENTS.has(name)))
    throw logoFailure(`has the element ${name}, which SVG Tiny PS does not have`)
  checkAttributes(element)
  for (const child of children) checkElement(child, isInMetadata || name === 'metadata')
}

function checkAttributes({ attributes }: XmlElement): void {
  for (const [name, value] of attributes) {
    const local = name.slice(name.indexOf(':') + 1)
    if (/^on/i.test(local)) throw logoFailure(`has a script (${name})`)
    if (local === 'style' || name === 'xml:base')
      throw logoFailure(`has the attribute ${name}, which SVG Tiny PS does not have`)
    // Only parts of the document itself may be named.
    const isOutside = (local === 'href' || local === 'src') && !value.trim().startsWith('#')
    if (isOutside || /url\(\s*['"]?(?!\s*['"]?#)/i.test(value)) throw logoFailure(`has an external reference (${name})`)
  }
}

const logoFailure = (predicate: string): BimiFailure => new BimiFailure(`the logo ${predicate}`)
