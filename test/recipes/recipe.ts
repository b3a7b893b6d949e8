import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { installPackages } from './npm-packages.ts'
import { npmPackagesOf, type RecipePage, readRecipe } from './page.ts'
import type { RecipeLab } from './recipe-lab.ts'

export interface RecipeOptions {
  /** Ports of the page that are not the lab's, such as that of the application. They become free ones. */
  readonly ports?: readonly number[]
  /** npm packages besides those of the page, such as a program that checks its files. */
  readonly packages?: readonly string[]
  /** False to download all npm packages: the program of the page follows no links to those of this project. Default: true. */
  readonly isLinked?: boolean
  /** Variables for the commands of the page. */
  readonly env?: Readonly<Record<string, string>>
}

/** Lines that install packages. The test has installed them. */
const INSTALLS =
  /^(?:sudo )?(?:npm install|pip install|composer require|bundle add|gem install|apt(?:-get)? install)\b.*\n/gm

/** A page of docs/recipes/ as its reader has typed it: its files in a folder, its packages installed. */
export class Recipe implements Disposable {
  readonly page: RecipePage
  readonly folder: string
  readonly #lab: RecipeLab
  readonly #ports: ReadonlyMap<string, number>
  readonly #env: Readonly<Record<string, string>>

  private constructor(page: RecipePage, lab: RecipeLab, ports: ReadonlyMap<string, number>, options: RecipeOptions) {
    this.page = page
    this.folder = mkdtempSync(join(tmpdir(), `sealpost-recipe-${page.name}-`))
    this.#lab = lab
    this.#ports = ports
    this.#env = options.env ?? {}
  }

  /** Writes the files of docs/recipes/NAME.md, with the ports of the lab, and installs its npm packages. */
  static async open(name: string, lab: RecipeLab, options: RecipeOptions = {}): Promise<Recipe> {
    const page = readRecipe(name)
    const named = options.ports ?? []
    const free = await freePorts(named.length)
    const ports = new Map(named.map((port, index) => [String(port), free[index] ?? 0]))
    const recipe = new Recipe(page, lab, ports, options)
    for (const { path, text } of page.files) recipe.write(path, recipe.here(text))
    await installPackages(recipe.folder, [...npmPackagesOf(page), ...(options.packages ?? [])], options.isLinked)
    return recipe
  }

  /** Returns a text of the page with the ports that the test has. */
  here(text: string): string {
    return this.#lab.here(text, this.#ports)
  }

  write(path: string, text: string): void {
    const file = join(this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  /** Changes a file, to see that the recipe notices. @throws if `before` does not occur */
  edit(path: string, before: string, after: string): void {
    const text = this.read(path)
    if (!text.includes(before)) throw new Error(`docs/recipes/${this.page.name}.md: ${path} does not contain ${before}`)
    this.write(path, text.replaceAll(before, after))
  }

  /** Runs the commands of the page in their order, up to the first that fails. */
  run(): Promise<ProgramResult> {
    return this.sh(this.page.commands.join('').replaceAll(INSTALLS, ''))
  }

  /** Runs a shell script in the folder. No variable of this test runner, and no proxy, reaches its programs. */
  sh(script: string): Promise<ProgramResult> {
    const foreign = Object.keys(process.env).filter((name) =>
      /^(VITEST|NODE_|npm_|SEALPOST|TEST$|CI$)|_proxy$/i.test(name),
    )
    const start = `unset ${['_', ...foreign].join(' ')}\nexport PATH="$PWD/node_modules/.bin:$PATH"\nset -euo pipefail\n`
    const env = { ...this.#env, NO_COLOR: '1' }
    return runProgram('bash', ['-c', start + exports(env) + this.here(script)], {
      cwd: this.folder,
      timeoutMs: 300_000,
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const exports = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('')
