import type { Workplace } from './sealpost.ts'

/** Returns the environment in which `sealpost` commands do not find a package. */
export function withoutPackage(place: Workplace, name: string): Record<string, string> {
  const hook = place.write(
    'hidden-package.mjs',
    `import * as module from 'node:module'
const name = '${name}'
const refuse = (wanted) => { if (wanted === name || wanted.startsWith(name + '/')) throw new Error('not found') }
if (module.registerHooks) module.registerHooks({ resolve(wanted, context, next) { refuse(wanted); return next(wanted, context) } })
else {
  // Hooks of Node.js 20 are for import alone.
  const find = module.default._resolveFilename
  module.default._resolveFilename = (wanted, ...others) => { refuse(wanted); return find(wanted, ...others) }
  module.register('data:text/javascript,' + encodeURIComponent(\`const name = '\${name}'; const refuse = \${refuse}
export async function resolve(wanted, context, next) { refuse(wanted); return next(wanted, context) }\`))
}
`,
  )
  return { NODE_OPTIONS: `--import ${hook}` }
}
