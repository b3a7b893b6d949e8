import { version } from '../core/text/version.ts'
import { openApiDocument } from './openapi/document.ts'
import type { Operation } from './operation.ts'
import { problems } from './problem.ts'

/** Allows the style of the page and nothing else: no scripts, no requests. */
export const DOCS_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

interface Schema {
  readonly type?: string | readonly string[]
  readonly $ref?: string
  readonly enum?: readonly unknown[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: light-dark(#0550ae, #79b8ff) }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 60rem }
a { color: var(--link) } code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere }
nav ul { columns: 16rem; padding-left: 1.2rem } section { border-top: 1px solid var(--line); margin-top: 2rem }
article { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: 0 1rem 0.75rem }
article:target, tr:target { outline: 2px solid var(--link) } h3 { margin: 0.75rem 0 0.25rem; font-size: 1rem }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700 } p { margin: 0.5rem 0 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0 }
td { border-top: 1px solid var(--soft) } .scroll { overflow-x: auto } .note { opacity: 0.75; font-size: 0.9em }`

/** Returns a page that describes all operations, schemas and problems. It works without scripts. */
export function docsPage(operations: readonly Operation[]): string {
  const { components } = openApiDocument(operations) as { components: { schemas: Record<string, Schema> } }
  const { paths } = openApiDocument(operations) as { paths: Record<string, Record<string, OperationObject>> }
  const tags = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const tag = one.tags[0] ?? ''
      tags.set(tag, [...(tags.get(tag) ?? []), operationHtml(method, path, one)])
    }
  }
  const links = [...tags.keys()].map((tag) => `<li><a href="#tag-${tag}">${tag}</a></li>`)
  const sections = [...tags].map(
    ([tag, parts]) => `<section id="tag-${tag}"><h2>${tag}</h2>${parts.join('')}</section>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sealpost HTTP API</title><style>${STYLE}</style></head><body>
<h1>Sealpost HTTP API</h1>
<p>Version ${version}. The same as an OpenAPI document: <a href="openapi.json">/api/openapi.json</a>.</p>
<nav><ul>${links.join('')}<li><a href="#schemas">Schemas</a></li><li><a href="#problems">Problems</a></li></ul></nav>
${sections.join('\n')}
<section id="schemas"><h2>Schemas</h2>${Object.entries(components.schemas).map(schemaHtml).join('')}</section>
<section id="problems"><h2>Problems</h2><p>Errors are problem documents (RFC 9457). <code>detail</code> says what to do.</p>
<div class="scroll"><table><tr><th>Problem</th><th>Status</th><th>Meaning</th></tr>${problemRows()}</table></div></section>
</body></html>
`
}

interface OperationObject {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly description: string
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: Schema; description?: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: Schema }>> }>>
}

function operationHtml(method: string, path: string, one: OperationObject): string {
  const given = (one.parameters ?? []).map(({ name, in: place, required, schema, description }) =>
    row(name, { ...schema, ...(description === undefined ? {} : { description }) }, required, place),
  )
  const bodies = Object.entries(one.requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
    type === 'application/json'
      ? fieldRows(schema, 'body')
      : [row('', { description: `The content, ${type}.` }, true, 'body')],
  )
  const [[status = '', answer] = []] = Object.entries(one.responses)
  const answers = Object.entries(answer?.content ?? {}).map(([type, { schema }]) =>
    type === 'application/json' ? typeHtml(schema) : `<code>${escapeHtml(type)}</code>`,
  )
  return `<article id="${one.operationId}"><h3><span class="method">${method.toUpperCase()}</span>
<a href="#${one.operationId}"><code>${escapeHtml(path)}</code></a></h3><p>${escapeHtml(one.summary)}</p>
${tableOf([...given, ...bodies])}
<p class="note">Returns ${status}${answers.length > 0 ? `: ${answers.join(' or ')}` : ''}. ${escapeHtml(one.description)} Operation <code>${one.operationId}</code>.</p></article>`
}

const tableOf = (rows: readonly string[]): string =>
  rows.length === 0
    ? ''
    : `<div class="scroll"><table><tr><th>Name</th><th>Type</th><th>Description</th></tr>${rows.join('')}</table></div>`

const fieldRows = ({ properties = {}, required = [] }: Schema, place: string): string[] =>
  Object.entries(properties).map(([name, schema]) => row(name, schema, required.includes(name), place))

function row(name: string, schema: Schema, required: boolean, place: string): string {
  const fallback =
    schema.default === undefined ? '' : ` Default: <code>${escapeHtml(JSON.stringify(schema.default))}</code>.`
  const where = [place, ...(required && place !== 'path' ? ['required'] : [])].filter((one) => one !== '').join(', ')
  const note = where === '' ? '' : ` <span class="note">${where}</span>`
  return `<tr><td><code>${escapeHtml(name)}</code>${note}</td><td>${typeHtml(schema)}</td><td>${escapeHtml(schema.description ?? '')}${fallback}</td></tr>`
}

function typeHtml({ $ref, type, enum: values, items, anyOf, properties }: Schema): string {
  if ($ref) {
    const name = $ref.split('/').at(-1) ?? ''
    return `<a href="#schema-${name}">${name}</a>`
  }
  if (values) return values.map((one) => `<code>${escapeHtml(JSON.stringify(one))}</code>`).join(' ')
  if (items) return `list of ${typeHtml(items)}`
  if (anyOf) return anyOf.map(typeHtml).join(' or ')
  const fields = Object.entries(properties ?? {})
  if (fields.length > 0) {
    return `object: ${fields.map(([name, one]) => `<code>${escapeHtml(name)}</code> (${typeHtml(one)})`).join(', ')}`
  }
  return escapeHtml([type ?? 'any'].flat().join(' or '))
}

const schemaHtml = ([name, schema]: [string, Schema]): string =>
  `<article id="schema-${name}"><h3>${name}</h3><p>${escapeHtml(schema.description ?? '')}</p>${tableOf(fieldRows(schema, ''))}</article>`

const problemRows = (): string =>
  Object.entries(problems)
    .map(([name, { status, title }]) => {
      return `<tr id="problem-${name}"><td><code>${name}</code></td><td>${status}</td><td>${escapeHtml(title)}</td></tr>`
    })
    .join('')

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
