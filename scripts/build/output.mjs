import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The folder that this build writes to. It becomes dist/ when it is complete. */
export const OUTPUT = `dist.new-${process.pid}`

/** How long files of earlier builds are kept for labs that still run with them. */
const KEEP_MS = 24 * 3_600_000
/** Files that are loaded on demand, and whose paths change with their content. */
const LOADED_ON_DEMAND = /^(?:cjs\/parts-|console\/assets\/)/

/** Returns where a file of dist/ is while it is built. */
export const inOutput = (path) => path.replace(/^(?:\.\/)?dist\//, `${OUTPUT}/`)

/**
 * Returns rolldown's options for a bundle of compiled modules (name: path). The hashes of its files depend on the paths below
 * `cwd` only, so that two builds of the same sources have the same files.
 */
export const bundleOf = (modules) => ({
  cwd: resolve(OUTPUT),
  input: Object.fromEntries(Object.entries(modules).map(([name, path]) => [name, `./${relative(OUTPUT, path)}`])),
})

/** Imports a module that was compiled by this build. */
export const compiled = (name) => import(pathToFileURL(resolve(OUTPUT, name)).href)

/**
 * Puts a complete build in the place of the folder of the one before. A lab that runs from that folder loads parts of it on
 * demand: such files stay. A package does not contain them.
 */
export function replaceBuild(folder, next) {
  const old = `${folder}.old-${process.pid}`
  if (!existsSync(folder)) return renameSync(next, folder)
  const kept = keepFiles(folder, next)
  if (kept.length > 0) writeFileSync(join(next, '.npmignore'), `${kept.map((name) => `/${name}`).join('\n')}\n`)
  renameSync(folder, old)
  renameSync(next, folder)
  rmSync(old, { recursive: true, force: true })
}

/** Returns the paths of the files that are kept, with `/`. */
function keepFiles(from, to) {
  const since = Date.now() - KEEP_MS
  return readdirSync(from, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => {
      if (!LOADED_ON_DEMAND.test(name)) return false
      const [file, kept] = [join(from, name), join(to, name)]
      const stat = statSync(file)
      if (!stat.isFile() || stat.mtimeMs < since || existsSync(kept)) return false
      mkdirSync(dirname(kept), { recursive: true })
      linkSync(file, kept)
      return true
    })
}

/** Removes the folders in `folder` of processes that have ended. The pattern finds the id of the process in their names. */
export function removeUnfinished(folder, pattern = /^dist\.(?:new|old)-(\d+)$/) {
  for (const name of readdirSync(folder)) {
    const [, pid] = pattern.exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
