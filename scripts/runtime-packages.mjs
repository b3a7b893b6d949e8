// The packages that run with Sealpost, as the lock file has them.

/** Optional peers that Sealpost loads on demand. vitest is not one: it belongs to the project whose tests use it. */
const OPTIONAL = ['lmdb', 'pg', 'acme-client', '@modelcontextprotocol/server', 'oidc-provider']

/**
 * Returns every package that the dependencies of a lock file need, and then those that only optional peers need.
 * @param lock the content of package-lock.json (version 3)
 * @returns {Map<string, { name: string, version: string, license?: string, isOptional: boolean }>} by path
 */
export function runtimePackages(lock) {
  const found = new Map()
  const add = (name, from, isOptional) => {
    const path = resolve(lock, name, from)
    if (path === undefined || found.has(path)) return
    const { version, license, dependencies, optionalDependencies } = lock.packages[path]
    found.set(path, { name, version, license, isOptional })
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) add(each, path, isOptional)
  }
  for (const name of Object.keys(lock.packages[''].dependencies ?? {})) add(name, '', false)
  for (const name of OPTIONAL) add(name, '', true)
  return found
}

/** Returns the path of a package as Node.js finds it from the package at `from`: in the nearest node_modules. */
function resolve(lock, name, from) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (path in lock.packages) return path
    if (at === '') return undefined
  }
}
