import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file that a recipe tells its reader to write. */
export interface RecipeFile {
  readonly path: string
  readonly text: string
  /** Whether the reader adds the text to the file that a generator has written. */
  readonly isAdded: boolean
}

/** The parts of a page of docs/recipes/ that a test uses. */
export interface RecipePage {
  readonly name: string
  readonly text: string
  /**
   * The steps of the reader, in the order of the page. A code block whose first line, or `[path]` after the language, names a
   * file is written to it; the commands of the other `sh` blocks are run.
   */
  readonly steps: readonly (RecipeFile | string)[]
  readonly files: readonly RecipeFile[]
  readonly commands: readonly string[]
}

const folder = fileURLToPath(new URL('../../docs/recipes', import.meta.url))

/** The names of the pages in docs/recipes/, without that of the index. */
export const recipeNames = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'index.md')
  .map((file) => file.replace('.md', ''))

/** A comment that holds nothing but a path, and perhaps an explanation after a colon. */
const FILE_COMMENT =
  /^(?:<\?php )?(?:\/\/|\/\*|#|<!--|--|;) ((?:[\w.@-]+\/)*(?:[\w.@[\]-]*\.[\w-]+|Dockerfile|Gemfile|Makefile|Rakefile))(:.*)?(?: \*\/| -->)?$/

/** First lines of `sh` blocks that the reader runs elsewhere, or only perhaps. */
const NOT_RUN = /^# (?:Example\b|In another terminal:)/

const textOfRecipe = (name: string): string => readFileSync(`${folder}/${name}.md`, 'utf8')

/** Reads the page docs/recipes/NAME.md. */
export function readRecipe(name: string): RecipePage {
  const text = textOfRecipe(name)
  const steps: (RecipeFile | string)[] = []
  for (const [, language = '', title, code = ''] of text.matchAll(/^```(\w*)(?: \[(.+)\])?\n(.*?)^```$/gms)) {
    const [, named, remark = ''] = FILE_COMMENT.exec(code.slice(0, code.indexOf('\n'))) ?? []
    const path = title ?? named
    if (path) steps.push({ path, text: code, isAdded: remark.startsWith(': add') })
    else if (language === 'sh' && !NOT_RUN.test(code)) steps.push(code)
  }
  const files = steps.filter((step) => typeof step !== 'string')
  return { name, text, steps, files, commands: steps.filter((step) => typeof step === 'string') }
}

/** The packages that `npm install` lines of a page name. */
export function npmPackagesOf(page: RecipePage): string[] {
  const lines = page.commands.join('').match(/^npm install .*$/gm) ?? []
  return lines.flatMap((line) => line.split(/\s+/).slice(2)).filter((word) => !word.startsWith('-'))
}

/** The column "run with" of each row of the index. */
export const runWith: ReadonlyMap<string, string> = new Map(
  [...textOfRecipe('index').matchAll(/^\| \[[^\]]+\]\((.+)\.md\) \| (.+) \|$/gm)].map(([, name = '', run = '']) => [
    name,
    run,
  ]),
)

/** The versions of packages and programs in the row of a page. */
export const versionsInIndex = (name: string): ReadonlyMap<string, string> =>
  new Map(
    [...(runWith.get(name) ?? '').matchAll(/([@\w/.-]+) (\d[\w.]*)/g)].map(([, what = '', version = '']) => [
      what,
      version,
    ]),
  )
