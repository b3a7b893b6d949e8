import { readFileSync } from 'node:fs'
import { inOutput } from './output.mjs'

/** An entry point of the package. `commonjs` is missing if only ES modules can import it. */
const entryPoint = ([name, { import: esm, require: commonjs, ...always }]) => ({
  name: name.slice(2),
  module: inOutput((esm ?? always).default),
  types: inOutput((esm ?? always).types),
  ...(commonjs ? { commonjs: inOutput(commonjs.default), commonjsTypes: inOutput(commonjs.types) } : {}),
})

/** Returns the entry points that `exports` of package.json lists, with their files. The build makes what they name. */
export function entryPoints() {
  const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return Object.entries(exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(entryPoint)
}
