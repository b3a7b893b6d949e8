// Starts the binary. Its files are those of the npm package, and its packages, each bundled into one file. Node.js loads them
// as modules, on demand, and keeps their compiled code as for files on disk. One large script would take twice the time.
const { createRequire, registerHooks } = require('node:module')
const { getAssetKeys, getRawAsset } = require('node:sea')
const { pathToFileURL } = require('node:url')

/** As if the executable file were a folder: no file on disk can have the name of a file inside. */
const ROOT = `${pathToFileURL(process.execPath)}/`
const names = new Set(getAssetKeys())

registerHooks({
  resolve(specifier, context, next) {
    const name = specifier.startsWith('.')
      ? new URL(specifier, context.parentURL).href.slice(ROOT.length)
      : `node_modules/${specifier}.cjs`
    if (!names.has(name)) return next(specifier, context)
    return { url: ROOT + name, format: name.endsWith('.cjs') ? 'commonjs' : 'module', shortCircuit: true }
  },
  load(url, context, next) {
    const name = url.startsWith(ROOT) ? url.slice(ROOT.length) : ''
    if (!names.has(name)) return next(url, context)
    return { format: context.format, source: Buffer.from(getRawAsset(name)).utf8Slice(), shortCircuit: true }
  },
})

createRequire(`${ROOT}loader.cjs`)('./dist/src/cli/main.js')
