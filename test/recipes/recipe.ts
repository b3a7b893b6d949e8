import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { installPackages, tarballOfSealpost } from './npm-packages.ts'
import { type RecipeFile, type RecipePage, readRecipe } from './page.ts'
import type { RecipeLab } from './recipe-lab.ts'

export interface RecipeOptions {
  /** Ports of the page that are not the lab's, such as that of the application. They become free ones. */
  readonly ports?: readonly number[]
  /** npm packages that check files of the page. They are installed before its commands run. */
  readonly packages?: readonly string[]
  /** Lines of the page that need what cannot be reached, and the shell script that the test runs instead. */
  readonly instead?: Readonly<Record<string, string>>
  /** Variables for the commands of the page. */
  readonly env?: Readonly<Record<string, string>>
}

/** Lines that need a registry other than that of npm. Debian's packages are installed instead. */
const OTHER_REGISTRIES = /^(?:(?:python3 -m )?pip install|composer require|bundle add|gem install|go get)\b/

/** Lines that the reader runs once, at the beginning. */
const SET_UP = /^(?:npm (?:init|install|pkg)|mkdir|cp|go mod|django-admin)\b/

/**
 * A page of docs/recipes/, followed by a reader who begins with an empty folder: each file and command of the page in its
 * order, as printed. The test replaces only what cannot be reached:
 * - `sealpost` in `npm install`, which is not published: the tarball of this checkout;
 * - `npx sealpost start` in another terminal: a lab of the test, whose free ports replace those of the page;
 * - packages of other registries than npm's: those of Debian (`OTHER_REGISTRIES`);
 * - single lines that a test names in `instead`, with its reason.
 */
export class Recipe implements Disposable {
  readonly page: RecipePage
  readonly folder: string
  readonly #lab: RecipeLab
  readonly #ports: ReadonlyMap<string, number>
  readonly #options: RecipeOptions
  /** The steps of the page, with the edits of the test. */
  readonly #steps: (RecipeFile | string)[]
  #isSetUp = false

  private constructor(page: RecipePage, lab: RecipeLab, ports: ReadonlyMap<string, number>, options: RecipeOptions) {
    this.page = page
    this.folder = mkdtempSync(join(tmpdir(), `sealpost-recipe-${page.name}-`))
    this.#lab = lab
    this.#ports = ports
    this.#options = options
    this.#steps = [...page.steps]
    for (const line of Object.keys(options.instead ?? {}))
      if (!page.commands.join('').includes(`${line}\n`)) throw new Error(`${page.name}.md does not have: ${line}`)
  }

  /** Opens docs/recipes/NAME.md in an empty folder. */
  static async open(name: string, lab: RecipeLab, options: RecipeOptions = {}): Promise<Recipe> {
    const page = readRecipe(name)
    const named = options.ports ?? []
    const free = await freePorts(named.length)
    const ports = new Map(named.map((port, index) => [String(port), free[index] ?? 0]))
    const recipe = new Recipe(page, lab, ports, options)
    await installPackages(recipe.folder, options.packages ?? [])
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

  /** Writes all files of a page of which the test runs no command. */
  writeFiles(): void {
    for (const { path, text } of this.page.files) this.write(path, this.here(text))
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  /**
   * Changes a file, or the page's text of one that is not yet written, to see that the recipe notices.
   * @throws if `before` does not occur
   */
  edit(path: string, before: string, after: string): void {
    const index = this.#steps.findIndex((step) => typeof step !== 'string' && step.path === path)
    const step = this.#steps[index] as RecipeFile | undefined
    const isWritten = existsSync(join(this.folder, path))
    const text = isWritten || !step ? this.read(path) : step.text
    if (!text.includes(before)) throw new Error(`docs/recipes/${this.page.name}.md: ${path} does not contain ${before}`)
    const edited = text.replaceAll(before, after)
    if (isWritten || !step) this.write(path, edited)
    else this.#steps[index] = { ...step, text: edited }
  }

  /**
   * Follows the page, up to the first command that fails. When it is called again, it leaves out what the reader does once:
   * to write the files, to create the project, and to install packages.
   */
  async run(): Promise<ProgramResult> {
    const tarball = this.page.commands.some((step) => /\bnpm install .*\bsealpost\b/.test(step))
      ? await tarballOfSealpost()
      : 'sealpost'
    const script = this.#steps.map((step) =>
      typeof step === 'string' ? this.#commandsOf(step, tarball) : this.#isSetUp ? '' : writingOf(step),
    )
    this.#isSetUp = true
    return this.sh(script.join(''))
  }

  /** The lines of a block that run now. */
  #commandsOf(block: string, tarball: string): string {
    const { instead = {} } = this.#options
    const lines = block.split('\n').map((line) => {
      const replacement = instead[line]
      if (this.#isSetUp && (SET_UP.test(line) || replacement !== undefined)) return ''
      if (replacement !== undefined) return replacement
      if (OTHER_REGISTRIES.test(line)) return ''
      return line.replace(/^(npm install .*)\bsealpost\b/, `$1${tarball}`)
    })
    return `${lines.join('\n')}\n`
  }

  /** Runs a shell script in the folder. No variable of this test runner, and no proxy, reaches its programs. */
  sh(script: string): Promise<ProgramResult> {
    const foreign = Object.keys(process.env).filter((name) =>
      /^(VITEST|NODE_|npm_|SEALPOST|TEST$|CI$)|_proxy$/i.test(name),
    )
    const start = `unset ${['_', ...foreign].join(' ')}\nset -euo pipefail\n`
    const env = { ...NPM, ...this.#options.env, NO_COLOR: '1' }
    const isGlobal = this.page.commands.some((block) => block.includes('npm install --global'))
    return runProgram('bash', ['-c', start + exports(env) + (isGlobal ? GLOBAL : '') + this.here(script)], {
      cwd: this.folder,
      timeoutMs: 600_000,
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Lets `npm install --global` install in the folder of the recipe, with the settings that the machine has for npm. */
const GLOBAL = `export npm_config_globalconfig="$(npm config get globalconfig)"
export PATH="$PWD/.global/bin:$PATH" npm_config_prefix="$PWD/.global"
`

/** Settings of npm that save time and requests. */
const NPM = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }

/** The shell command that writes a file of the page. */
function writingOf({ path, text, isAdded }: RecipeFile): string {
  const end = 'END-OF-THE-FILE'
  return `mkdir -p '${dirname(path)}'\ncat ${isAdded ? '>>' : '>'}'${path}' <<'${end}'\n${text}${end}\n`
}

const exports = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('')
