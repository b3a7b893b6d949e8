import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'
import { mainFile, Workplace } from '../../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const imageConfig = join(repository, 'docker/config.yaml')

/** The container that the fake engine was asked to start. */
export interface Asked {
  readonly image: string
  readonly environment: Readonly<Record<string, string>>
  readonly exposedPorts: readonly number[]
  readonly waitsFor: readonly string[]
  readonly hostConfig: object
}

interface ScriptResult extends ProgramResult {
  readonly asked: Asked[]
}

interface ScriptOptions {
  /** The version that the script takes Node.js for. Default: 22.22.0. */
  readonly node?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A folder with the built package, its dependencies, and, unless it is missing, a fake package testcontainers. */
export class InstalledPackage {
  readonly #place = new Workplace()
  #scripts = 0

  constructor({ hasTestcontainers = true } = {}) {
    const modules = join(this.#place.folder, 'node_modules')
    mkdirSync(join(modules, 'sealpost'), { recursive: true })
    // Copied: Node.js looks for packages beside the real file.
    cpSync(join(repository, 'dist'), join(modules, 'sealpost/dist'), { recursive: true })
    cpSync(join(repository, 'package.json'), join(modules, 'sealpost/package.json'))
    for (const name of readdirSync(join(repository, 'node_modules'))) {
      if (!name.startsWith('.') && name !== 'testcontainers')
        symlinkSync(join(repository, 'node_modules', name), join(modules, name), 'junction')
    }
    if (!hasTestcontainers) return
    cpSync(fileURLToPath(new URL('fake', import.meta.url)), join(modules, 'testcontainers'), { recursive: true })
    writeFileSync(join(modules, 'testcontainers/package.json'), '{ "name": "testcontainers", "main": "index.cjs" }')
  }

  /** Runs a script (`.mjs`, `.cjs`) in the folder. The fake engine shifts ports by `FAKE_OFFSET`. */
  async run(
    kind: 'mjs' | 'cjs',
    script: string,
    { node = '22.22.0', env = {} }: ScriptOptions = {},
  ): Promise<ScriptResult> {
    const file = this.#place.write(`script-${this.#scripts++}.${kind}`, script)
    const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${node}' } })`
    const result = await runProgram(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(versions)}`, file],
      {
        cwd: this.#place.folder,
        env: {
          NODE_OPTIONS: '',
          VITEST: '',
          TMPDIR: this.#place.folder,
          FAKE_MAIN: mainFile,
          FAKE_CONFIG: imageConfig,
          ...env,
        },
      },
    )
    const asked = result.stderr.split('\n').flatMap((line) => {
      const [, json] = line.match(/^ASKED (.*)$/) ?? []
      return json === undefined ? [] : [JSON.parse(json) as Asked]
    })
    return { ...result, asked }
  }

  remove(): void {
    this.#place.remove()
  }
}

/** Returns the configuration of the image as a text. */
export const imageConfiguration = (): string => readFileSync(imageConfig, 'utf8')
