import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

/** The bundles of the commands, which scripts/build/modules.mjs makes. */
const BUNDLES = fileURLToPath(new URL('../../commands', import.meta.url)) + sep
/** The file among them that imports packages, which a script with kept code cannot. */
const IMPORTER = join(BUNDLES, 'import.cjs')
/** A lab has started by then, and has compiled what a start needs. */
const SAVE_AFTER_MS = 3_000
/** Of SHA-1. */
const DIGEST_OCTETS = 20

interface Compiled {
  readonly script: Script
  readonly source: Buffer
}

/**
 * Keeps the compiled code of commands in a folder, as `module.enableCompileCache` does, which Node.js 20 does not have. What
 * cannot be read or written is compiled as usual.
 */
export function keepCompiledCode(folder: string): void {
  const place = join(folder, `${process.version}-${process.arch}`)
  const { extensions } = createRequire(import.meta.url)
  const compiled = new Map<string, Compiled>()
  extensions['.cjs'] = (module, filename) => {
    if (!filename.startsWith(BUNDLES) || filename === IMPORTER) {
      extensions['.js'](module, filename)
      return
    }
    const source = readFileSync(filename)
    const file = join(place, createHash('sha1').update(filename).digest('hex'))
    const cachedData = kept(file, source)
    const script = new Script(Module.wrap(source.toString()), {
      filename,
      ...(cachedData ? { cachedData } : {}),
    })
    if (script.cachedDataRejected !== false) compiled.set(file, { script, source })
    const run = script.runInThisContext() as (...args: readonly unknown[]) => void
    run.call(module.exports, module.exports, createRequire(filename), module, filename, dirname(filename))
  }
  const save = (): void => {
    keep(compiled)
    compiled.clear()
  }
  setTimeout(save, SAVE_AFTER_MS).unref()
  process.on('exit', save)
}

/** Returns the compiled code that a file has, if it is whole and belongs to a source. */
function kept(file: string, source: Buffer): Buffer | undefined {
  try {
    const octets = readFileSync(file)
    const code = octets.subarray(0, -DIGEST_OCTETS)
    return digest(source, code).equals(octets.subarray(-DIGEST_OCTETS)) ? code : undefined
  } catch {
    return undefined
  }
}

/** Writes the compiled code of scripts, with the functions that have run. Without room for it nothing is kept. */
function keep(scripts: ReadonlyMap<string, Compiled>): void {
  try {
    for (const [file, { script, source }] of scripts) {
      const code = script.createCachedData()
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      const unfinished = `${file}.${process.pid}`
      writeFileSync(unfinished, Buffer.concat([code, digest(source, code)]), { mode: 0o600 })
      renameSync(unfinished, file)
    }
  } catch {
    // A full disk or a folder that cannot be written: the next command compiles again.
  }
}

/** V8 ends the process when it reads damaged code, and compares only the length of the source. */
const digest = (source: Buffer, code: Buffer): Buffer => createHash('sha1').update(source).update(code).digest()
