import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file that a recipe tells its reader to write. */
export interface RecipeFile {
  readonly path: string
  readonly text: string
}

/** The parts of a page of docs/recipes/ that a test uses. */
export interface RecipePage {
  readonly name: string
  readonly text: string
  /** The code blocks whose first line, or `[path]` after the language, names their file. */
  readonly files: readonly RecipeFile[]
  /** The other `sh` blocks, in their order. */
  readonly commands: readonly string[]
}

const folder = fileURLToPath(new URL('../../docs/recipes', import.meta.url))

/** The names of the pages in docs/recipes/, without that of the index. */
export const recipeNames = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'index.md')
  .map((file) => file.replace('.md', ''))

/** A comment that holds nothing but a path, and perhaps an explanation after a colon. */
const FILE_COMMENT =
  /^(?:<\?php )?(?:\/\/|\/\*|#|<!--|--|;) ((?:[\w.@-]+\/)*(?:[\w.@[\]-]*\.[\w-]+|Dockerfile|Gemfile|Makefile|Rakefile))(?::.*)?(?: \*\/| -->)?$/

/** First lines of `sh` blocks that the reader runs elsewhere, or only perhaps. */
const NOT_RUN = /^# (?:Example\b|In another terminal:)/

export const textOfRecipe = (name: string): string => readFileSync(`${folder}/${name}.md`, 'utf8')

/** Reads the page docs/recipes/NAME.md. */
export function readRecipe(name: string): RecipePage {
  const text = textOfRecipe(name)
  const files: RecipeFile[] = []
  const commands: string[] = []
  for (const [, language = '', title, code = ''] of text.matchAll(/^```(\w*)(?: \[(.+)\])?\n(.*?)^```$/gms)) {
    const path = title ?? FILE_COMMENT.exec(code.slice(0, code.indexOf('\n')))?.[1]
    if (path) files.push({ path, text: code })
    else if (language === 'sh' && !NOT_RUN.test(code)) commands.push(code)
  }
  return { name, text, files, commands }
}

/** The packages that `npm install` lines of a page name. */
export function npmPackagesOf(page: RecipePage): string[] {
  const lines = page.commands.join('').match(/^npm install .*$/gm) ?? []
  return lines.flatMap((line) => line.split(/\s+/).slice(2)).filter((word) => !word.startsWith('-'))
}
