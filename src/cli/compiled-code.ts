import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'

/** The bundles, which scripts/build/modules.mjs makes. */
const BUNDLES = fileURLToPath(new URL('../../cjs', import.meta.url)) + sep
/** The file among them that imports packages. Scripts with cached code cannot. */
const IMPORTER = join(BUNDLES, 'import.cjs')
/** A lab has started by then, and has compiled what a start needs. */
const SAVE_AFTER_MS = 3_000
/** Cached code older than this is deleted. It usually belongs to another version of Sealpost or Node.js. */
const KEEP_MS = 30 * 24 * 3_600_000
/** Length of a SHA-1 digest. */
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
  // V8 takes no code that was made under other options, such as --max-old-space-size.
  const options = cachedDataVersionTag().toString(16)
  const bundles = new Bundles(join(folder, `${process.version}-${process.arch}-${options}`))
  const { extensions } = createRequire(import.meta.url)
  extensions['.cjs'] = (module, filename) => {
    if (filename.startsWith(BUNDLES) && filename !== IMPORTER) module.exports = bundles.load(filename)
    else extensions['.js'](module, filename)
  }
  const save = (): void => bundles.save()
  setTimeout(save, SAVE_AFTER_MS).unref()
  process.on('exit', save)
}

type Require = (id: string) => unknown

/** Loads the files of the bundles, which name each other by relative paths. A start loads a hundred. */
class Bundles {
  readonly #place: string
  readonly #loaded = new Map<string, object>()
  readonly #requires = new Map<string, Require>()
  readonly #compiled = new Map<string, Compiled>()

  constructor(place: string) {
    this.#place = place
  }

  /** Returns what a file exports. */
  load(filename: string): object {
    const known = this.#loaded.get(filename)
    if (known) return known
    const exports = {}
    // Files can require each other.
    this.#loaded.set(filename, exports)
    try {
      const run = this.#compile(filename).runInThisContext() as (...args: readonly unknown[]) => void
      const folder = dirname(filename)
      run.call(exports, exports, this.#requireOf(folder), { exports }, filename, folder)
    } catch (error) {
      this.#loaded.delete(filename)
      throw error
    }
    return exports
  }

  /** Writes the code that has been compiled since the last call, with the functions that have run. */
  save(): void {
    if (this.#compiled.size === 0) return
    writeCompiled(this.#compiled)
    this.#compiled.clear()
    removeOld(dirname(this.#place))
  }

  #compile(filename: string): Script {
    const source = readFileSync(filename)
    const file = join(this.#place, createHash('sha1').update(filename).digest('hex'))
    const cachedData = readCompiled(file, source)
    const script = new Script(Module.wrap(source.toString()), { filename, ...(cachedData ? { cachedData } : {}) })
    if (script.cachedDataRejected !== false) this.#compiled.set(file, { script, source })
    return script
  }

  /** Returns the `require` of the files in a folder. */
  #requireOf(folder: string): Require {
    let found = this.#requires.get(folder)
    if (!found) {
      const outside = createRequire(join(folder, 'any'))
      const files = new Map<string, string>()
      found = (id) => {
        if (!id.startsWith('.')) return outside(id)
        let file = files.get(id)
        if (file === undefined) {
          file = join(folder, id)
          files.set(id, file)
        }
        return file === IMPORTER ? outside(id) : this.load(file)
      }
      this.#requires.set(folder, found)
    }
    return found
  }
}

/** Returns the compiled code that a file has, if it is whole and belongs to a source. */
function readCompiled(file: string, source: Buffer): Buffer | undefined {
  try {
    const octets = readFileSync(file)
    const code = octets.subarray(0, -DIGEST_OCTETS)
    return digest(source, code).equals(octets.subarray(-DIGEST_OCTETS)) ? code : undefined
  } catch {
    return undefined
  }
}

/** Writes the compiled code of scripts. Without room for it nothing is kept. */
function writeCompiled(scripts: ReadonlyMap<string, Compiled>): void {
  try {
    for (const [file, { script, source }] of scripts) {
      const code = script.createCachedData()
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      const unfinished = `${file}.${process.pid}`
      try {
        writeFileSync(unfinished, Buffer.concat([code, digest(source, code)]), { mode: 0o600 })
        renameSync(unfinished, file)
      } catch (error) {
        rmSync(unfinished, { force: true })
        throw error
      }
    }
  } catch {
    // A full disk or a folder that cannot be written: the next command compiles again.
  }
}

/** Removes code that was written long ago. If it is still used, it is compiled once more. */
function removeOld(folder: string): void {
  const before = Date.now() - KEEP_MS
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      const written = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs
      if (written !== undefined && written < before) rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // The next command that saves tries again.
  }
}

/** V8 ends the process when it reads damaged code, and compares only the length of the source. */
const digest = (source: Buffer, code: Buffer): Buffer => createHash('sha1').update(source).update(code).digest()
