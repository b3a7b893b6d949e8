import { createHash } from 'node:crypto'
import { xml } from '../../../src/core/text/xml.ts'

/** A piece of HTML whose texts are escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Makes HTML of a template. Values are escaped unless they are HTML; missing ones are left out. */
export const html = (
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | undefined | readonly Html[])[]
): Html => new Html(parts.map((part, at) => part + htmlOf(values[at])).join(''))

function htmlOf(value: string | Html | undefined | readonly Html[]): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return xml(value)
  return value instanceof Html ? value.text : value.map(({ text }) => text).join('')
}

/** The colours and sizes of the console (console/src/styles), without its scripts and files. */
const STYLE = `
:root { color-scheme: light dark; --surface: light-dark(#fff, #16181d); --low: light-dark(#f6f7f9, #101216);
--line: light-dark(#dfe3e8, #2b3038); --strong: light-dark(#8b95a3, #69727f); --text: light-dark(#1b1f26, #e6e9ee);
--soft: light-dark(#59626f, #a2abb8); --fill: light-dark(#1d5fd6, #2f6fe0); --focus: light-dark(#1d5fd6, #8fb9ff);
--bad: light-dark(#c0262d, #ff8f8f); --bad-surface: light-dark(#fdeaea, #3d191b) }
* { box-sizing: border-box }
html { height: 100%; background: var(--low); color: var(--text); font: 14px/20px system-ui, sans-serif }
body { min-height: 100%; margin: 0; padding: 16px; display: grid; place-items: center }
main { width: 100%; max-width: 400px; padding: 32px; display: grid; gap: 16px; border: 1px solid var(--line);
border-radius: 8px; background: var(--surface) }
h1 { margin: 0; font-size: 20px; line-height: 28px; font-weight: 600 } p { margin: 0; overflow-wrap: anywhere }
form { display: grid; gap: 16px } label { display: grid; gap: 4px; font-weight: 500 }
input, button { font: inherit; color: inherit; min-height: 32px; padding: 5px 12px; border: 1px solid var(--strong);
border-radius: 6px; background: var(--surface) }
button { font-weight: 500; cursor: pointer } button.primary { background: var(--fill); border-color: transparent; color: #fff }
.buttons { display: flex; flex-wrap: wrap; gap: 8px } .note { color: var(--soft) }
.error { padding: 8px 12px; border-radius: 6px; background: var(--bad-surface); color: var(--bad) }
code, .code { font-family: ui-monospace, monospace } .code { font-size: 20px; line-height: 28px; letter-spacing: 2px }
input.code { text-transform: uppercase } ul { margin: 0; padding-left: 20px }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px }
@media (max-width: 440px) { main { padding: 20px } }
`

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const STYLE_SOURCE = hashOf(STYLE)

/** Returns a whole page. */
export const page = (title: string, content: Html): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${xml(title)} · Sealpost</title><style>${STYLE}</style></head>
<body><main><h1>${xml(title)}</h1>${content.text}</main></body></html>
`

/**
 * Returns the header fields of a page. It has no scripts and loads nothing.
 * @param targets where its forms lead besides the lab: browsers apply `form-action` to redirections too
 */
export const pageHeaders = (targets: readonly string[] = []): Record<string, string> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    `form-action ${["'self'", ...targets].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  // With no-referrer, browsers would send forms with `Origin: null`.
  'Referrer-Policy': 'same-origin',
})
