// Writes the list of operations in docs/api-operations.md from the OpenAPI document of the compiled lab.
//   npm run api:reference
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const page = new URL('../docs/api-operations.md', import.meta.url)

const callers = {
  read: 'all',
  change: 'may change mail',
  inspect: 'readers',
  administer: 'administrators',
}

/** Returns the page with the operations of an OpenAPI document between its `operations` comments. */
export const withOperations = (text, document) =>
  text.replace(
    /(<!-- operations -->\n).*(<!-- \/operations -->\n)/s,
    (_, begin, end) => `${begin}\n${operationsOf(document)}\n${end}`,
  )

function operationsOf({ tags, paths }) {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { summary }]) => summary !== undefined)
      .map(([method, operation]) => ({ path, method, ...operation })),
  )
  return tags
    .map(({ name, description }) => {
      const own = rows.filter(({ tags: [tag] }) => tag === name)
      return `### ${name}\n\n${description}\n\n| request | does | parameters | for |\n|---|---|---|---|\n${own.map(row).join('')}`
    })
    .join('\n')
}

function row({ path, method, summary, parameters = [], requestBody, 'x-access': access }) {
  const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
  const body = Object.keys(requestBody?.content?.['application/json']?.schema?.properties ?? {})
  const names = [...query, ...body].map((name) => `\`${name}\``).join(', ')
  return `| \`${method.toUpperCase()} ${path}\` | ${summary} | ${names} | ${callers[access] ?? ''} |\n`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { openApiDocument } = await import('../dist/src/api/openapi/document.js')
  const { operations } = await import('../dist/src/api/operations.js')
  writeFileSync(page, withOperations(readFileSync(page, 'utf8'), openApiDocument(operations)))
}
