import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { mainFile } from '../support/sealpost.ts'
import { describeRecipe } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { addPhpUnit, addSkeleton } from './skeletons.ts'

const phpUnit = { passes: /^OK\b/m, fails: /^Tests: 1, .*(?:Failures|Errors): 1/m }
const php = ['php', 'phpunit'] as const
const library = (path: string) => hasFile(`/usr/share/php/${path}/autoload.php`)

if (ifInstalled(...php))
  describeRecipe('php-mail', {
    ...phpUnit,
    prepare(recipe) {
      addPhpUnit(recipe)
      linkSendmail(recipe)
    },
    spoiled: [['mailer.php', 'is $code', 'comes later']],
  })

if (ifInstalled(...php, library('Symfony/Bundle/FrameworkBundle'), library('Symfony/Component/Mailer')))
  describeRecipe('symfony', {
    ...phpUnit,
    prepare(recipe) {
      addSkeleton(recipe, 'symfony')
      addPhpUnit(recipe)
    },
    untrusted: /certificate verify failed/,
    spoiled: [['src/Controller/SignUpController.php', 'is 123456', 'comes later']],
  })

if (ifInstalled(...php, library('Illuminate'), library('GuzzleHttp'), library('Mockery')))
  describeRecipe('laravel', {
    ...phpUnit,
    prepare(recipe) {
      addSkeleton(recipe, 'laravel')
      addPhpUnit(recipe)
      for (const path of ['bootstrap/cache', 'storage/framework/views'])
        mkdirSync(join(recipe.folder, path), { recursive: true })
    },
    untrusted: /certificate verify failed/,
    spoiled: [
      ['tests/Feature/SignUpTest.php', "'smtp'", "'array'"],
      ['tests/Feature/SignUpTest.php', '10s', '1ms'],
    ],
    fails: /no message with/,
  })

/** Puts the command of the package where `npx` finds it. */
function linkSendmail(recipe: Recipe): void {
  const folder = join(recipe.folder, 'node_modules/.bin')
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(mainFile, '../sendmail/main.js'), join(folder, 'sealpost-sendmail'))
}
