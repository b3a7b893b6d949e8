import type { Workplace } from './sealpost.ts'

/** Returns the environment in which `sealpost` commands do not find a package. */
export function withoutPackage(place: Workplace, name: string): Record<string, string> {
  const hook = place.write(
    'hidden-package.mjs',
    `import * as module from 'node:module'
const name = '${name}'
const refuse = (wanted) => { if (wanted === name || wanted.startsWith(name + '/')) throw new Error('not found') }
if (module.registerHooks) module.registerHooks({ resolve(wanted, context, next) { refuse(wanted); return next(wanted, context) } })
else module.register('data:text/javascript,' + encodeURIComponent(\`const name = '\${name}'; const refuse = \${refuse}
export async function resolve(wanted, context, next) { refuse(wanted); return next(wanted, context) }\`))
`,
  )
  return { NODE_OPTIONS: `--import ${hook}` }
}
