import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Recipe } from './recipe.ts'

const PHPUNIT = '/usr/bin/phpunit'

/** Adds the files of a new project, as the framework's generator creates them, beside the files of the page. */
export function addSkeleton(recipe: Recipe, framework: string): void {
  cpSync(fileURLToPath(new URL(`skeletons/${framework}`, import.meta.url)), recipe.folder, { recursive: true })
}

/** Puts Debian's PHPUnit where Composer would have put it. */
export function addPhpUnit(recipe: Recipe): void {
  mkdirSync(join(recipe.folder, 'vendor/bin'), { recursive: true })
  symlinkSync(PHPUNIT, join(recipe.folder, 'vendor/bin/phpunit'))
}
