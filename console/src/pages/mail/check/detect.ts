import { parseInert, styleAttributes, styleSheets } from '../inert.ts'
import { type CssUse, readCss } from './css-text.ts'

/** The features that a message uses, with their counts. */
interface Used {
  readonly document: Document
  readonly html: string
  readonly css: CssUse
}

/** Reads the HTML of a message. Nothing in it is loaded or run. */
export function readHtml(html: string): Used {
  const document = parseInert(html)
  const sheets = styleSheets(document).map((css) => readCss(css))
  const attributes = styleAttributes(document).map((css) => readCss(css, true))
  const all = [...sheets, ...attributes]
  return {
    document,
    html,
    css: {
      selectors: all.flatMap(({ selectors }) => selectors),
      atRules: all.flatMap(({ atRules }) => atRules),
      declarations: all.flatMap(({ declarations }) => declarations),
      comments: all.reduce((sum, { comments }) => sum + comments, 0),
      isNested: all.some(({ isNested }) => isNested),
    },
  }
}

type Counter = (used: Used) => number

const elements =
  (selector: string): Counter =>
  ({ document }) =>
    document.querySelectorAll(selector).length
const properties =
  (...names: readonly string[]): Counter =>
  ({ css }) =>
    css.declarations.filter(({ property }) => names.includes(property)).length
const values =
  (pattern: RegExp, property?: RegExp): Counter =>
  ({ css }) =>
    css.declarations.filter((one) => pattern.test(one.value) && (property?.test(one.property) ?? true)).length
const atRules =
  (pattern: RegExp): Counter =>
  ({ css }) =>
    css.atRules.filter((one) => pattern.test(one)).length
const selectors =
  (pattern: RegExp): Counter =>
  ({ css }) =>
    css.selectors.filter((one) => pattern.test(one)).length
const images =
  (type: string, ...endings: readonly string[]): Counter =>
  ({ document }) =>
    [...document.querySelectorAll('img, source')].filter((one) => {
      const url = one.getAttribute('src') ?? one.getAttribute('srcset') ?? ''
      const isEnding = endings.some((ending) => new RegExp(`\\.${ending}(?:[?#\\s]|$)`, 'i').test(url))
      return url.startsWith(`data:image/${type}`) || isEnding
    }).length

/** Features whose names do not say how to find them. By the names of caniemail.com. */
const SPECIAL: Readonly<Record<string, Counter>> = {
  '@media (hover), @media (any-hover)': atRules(/^@media.*\((?:any-)?hover/i),
  'CSS comments': ({ css }) => css.comments,
  'CSS Nesting': ({ css }) => (css.isNested ? 1 : 0),
  'CSS Variables (Custom Properties)': ({ css }) =>
    css.declarations.filter(({ property, value }) => property.startsWith('--') || value.includes('var(')).length,
  'CSS calc() function': values(/\bcalc\(/),
  '!important keyword': values(/!\s*important/),
  'color-scheme CSS property': properties('color-scheme'),
  'css column properties': properties('columns', 'column-width', 'column-rule', 'column-span', 'column-fill'),
  'font shorthand': properties('font'),
  'grid-template-* properties': properties(
    'grid-template',
    'grid-template-columns',
    'grid-template-rows',
    'grid-template-areas',
  ),
  'scroll-snap': properties('scroll-snap-type', 'scroll-snap-align'),
  'system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace': values(
    /\b(?:system-ui|ui-serif|ui-sans-serif|ui-rounded|ui-monospace)\b/,
    /^font/,
  ),
  'border-inline & border-block individual logical properties': properties(
    'border-inline-color',
    'border-inline-style',
    'border-inline-width',
    'border-block-color',
    'border-block-style',
    'border-block-width',
  ),
  'border-inline & border-block longhand properties': properties(
    'border-inline-start',
    'border-inline-end',
    'border-block-start',
    'border-block-end',
  ),
  'border-radius logical properties': properties(
    'border-start-start-radius',
    'border-start-end-radius',
    'border-end-start-radius',
    'border-end-end-radius',
  ),
  'Adjacent sibling combinator': selectors(/\+/),
  'Attribute selector': selectors(/\[/),
  'Chaining selectors': selectors(/\.[\w-]+\.[\w-]+/),
  'Child combinator': selectors(/>/),
  'Class selector': selectors(/\.[\w-]/),
  'Descendant combinator': selectors(/[\w\])]\s+[\w.#[*:]/),
  'General sibling combinator': selectors(/[^|]~(?!=)/),
  'Grouping selectors': selectors(/,/),
  'ID selector': selectors(/#[\w-]/),
  'Type selector': selectors(/(?:^|[\s,>+~])[a-z][\w-]*/i),
  'Universal selector *': selectors(/\*(?!=)/),
  'AMP for Email': elements('html[amp4email], html[⚡4email]'),
  'Local anchors': elements('a[href^="#"]:not([href="#"])'),
  '<h1> to <h6> elements': elements('h1, h2, h3, h4, h5, h6'),
  '<ul>, <ol> and <dl>': elements('ul, ol, dl'),
  'HTML comments': ({ html }) => html.match(/<!--(?!\[if)/g)?.length ?? 0,
  'HTML5 doctype': ({ html }) => (/^\s*<!doctype html>/i.test(html) ? 1 : 0),
  'HTML5 semantics': elements(
    'article, aside, details, figcaption, figure, footer, header, main, mark, nav, section, summary, time',
  ),
  'Image maps': elements('map, img[usemap]'),
  'mailto: links': elements('a[href^="mailto:" i]'),
  'color-scheme meta tag': elements('meta[name="color-scheme" i]'),
  'srcset and sizes attributes': elements('[srcset], [sizes]'),
  'Embedded <svg> image': elements('svg'),
  '<style> element': elements('xmp[data-css]'),
  address: elements('address'),
  '<base>': elements('base'),
  '<body> element': ({ html }) => (/<body[\s>]/i.test(html) ? 1 : 0),
  'Animated PNG image format': images('apng', 'apng'),
  'AVIF image format': images('avif', 'avif'),
  'Base 64 image format': elements('img[src^="data:image/"]'),
  'BMP image format': images('bmp', 'bmp'),
  'GIF image format': images('gif', 'gif'),
  'HDR image format': images('vnd.radiance', 'hdr'),
  'HEIF image format': images('heif', 'heif', 'heic'),
  'ICO image format': images('x-icon', 'ico'),
  'JPG image format': images('jpeg', 'jpe?g'),
  'Video as Image Assets': images('video', 'mp4', 'webm'),
  'PNG image format': images('png', 'png'),
  'SVG image format': images('svg', 'svg'),
  'TIFF image format': images('tiff', 'tiff?'),
  'webP image format': images('webp', 'webp'),
}

/** Forms of the names of all other features, and how to find them. */
const FORMS: readonly (readonly [form: RegExp, counter: (match: RegExpExecArray) => Counter])[] = [
  [
    /^@media \((.+)\)$/,
    ([, feature = '']) => atRules(new RegExp(`^@media.*\\b${feature.replaceAll('-', '\\-')}`, 'i')),
  ],
  [/^@([\w-]+)$/, ([, name = '']) => atRules(new RegExp(`^@${name}\\b`, 'i'))],
  [
    /^::?([\w-]+)(?:\(\))?$/,
    ([whole = '']) =>
      selectors(
        new RegExp(`${whole.startsWith('::') ? '::?' : '(?<!:):'}${whole.replaceAll(/[:()]/g, '')}(?![\\w-])`, 'i'),
      ),
  ],
  [/^lang\(\)$/, () => selectors(/:lang\(/i)],
  [
    /^(\S+) unit$/,
    ([, unit = '']) =>
      values(new RegExp(unit === 'initial' ? '\\binitial\\b' : `(?:^|[\\s,(+*/-])[\\d.]+${unit}(?![\\w%])`)),
  ],
  [
    /^([a-z-]+): ?([a-z-]+)$/,
    ([, property = '', value = '']) => values(new RegExp(`^(?:inline-)?${value}\\b`), new RegExp(`^${property}$`)),
  ],
  [
    /^[\w-]+\(\)(?:, [\w-]+\(\))*$/,
    ([whole = '']) => values(new RegExp(`\\b(?:${whole.replaceAll('()', '').split(', ').join('|')})\\(`)),
  ],
  [/^fit-content, /, () => values(/\b(?:fit-content|min-content|max-content)\b/)],
  [/^<([a-z0-9]+) type="(\w+)"> element$/, ([, name = '', type = '']) => elements(`${name}[type="${type}" i]`)],
  [/^<([a-z0-9]+)> element$/, ([, name = '']) => elements(name)],
  [/^([a-z-]+) attribute$/, ([, name = '']) => elements(`[${name}]`)],
  [/^[a-z-]+(?: property)?\s*$/, ([whole = '']) => properties(whole.replace(' property', '').trim())],
  [/^[a-z-]+(?:(?:, | & )[a-z-]+)+$/, ([whole = '']) => properties(...whole.split(/, | & /))],
]

/** Returns how often a message uses a feature; undefined if it cannot be told. */
export function useOf(feature: { readonly title: string }, used: Used): number | undefined {
  const special = SPECIAL[feature.title]
  if (special) return special(used)
  for (const [form, counter] of FORMS) {
    const match = form.exec(feature.title)
    if (match) return counter(match)(used)
  }
  return undefined
}
