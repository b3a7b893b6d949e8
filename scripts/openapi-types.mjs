// Writes the TypeScript types of an OpenAPI document, for clients such as openapi-fetch.
//   node scripts/openapi-types.mjs < openapi.json > openapi.d.ts
import * as nodeModule from 'node:module'
import { json } from 'node:stream/consumers'

// openapi-typescript needs the API of TypeScript 5, which TypeScript 7 does not have. @ts-morph/common contains it.
const typescript = import.meta.resolve('@ts-morph/common/dist/typescript.js')
if (nodeModule.registerHooks) {
  nodeModule.registerHooks({
    resolve: (name, context, next) => next(name === 'typescript' ? typescript : name, context),
  })
} else {
  const hook = `export const resolve = (name, context, next) => next(name === 'typescript' ? '${typescript}' : name, context)`
  nodeModule.register(`data:text/javascript,${encodeURIComponent(hook)}`)
}

const { astToString, default: openApiTypes } = await import('openapi-typescript')
process.stdout.write(astToString(await openApiTypes(await json(process.stdin))))
