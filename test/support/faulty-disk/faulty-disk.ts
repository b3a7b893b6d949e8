import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('faulty-disk.c', import.meta.url))

/** A disk on which writes and flushes in one folder fail at random, for a process that is started with `env`. */
export class FaultyDisk {
  readonly env: Readonly<Record<string, string>>
  readonly #switch: string
  readonly #log: string

  /** Compiles the library in `folder`. @param rate faults per thousand calls @param data the folder with the faults */
  constructor(folder: string, data: string, { rate, seed }: { readonly rate: number; readonly seed: number }) {
    const library = join(folder, 'faulty-disk.so')
    if (!existsSync(library)) execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'])
    this.#switch = join(folder, 'faults-on')
    this.#log = join(folder, `faults-${seed}.log`)
    this.env = {
      LD_PRELOAD: library,
      FAULTY_FOLDER: `${data}/`,
      FAULTY_SWITCH: this.#switch,
      FAULTY_LOG: this.#log,
      FAULTY_RATE: String(rate),
      FAULTY_SEED: String(seed),
    }
  }

  start(): void {
    writeFileSync(this.#switch, '')
  }

  stop(): void {
    rmSync(this.#switch, { force: true })
  }

  /** Returns a line for each fault so far: the call and its error. */
  faults(): readonly string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trimEnd().split('\n') : []
  }
}
