import { expect } from 'vitest'
import { ifInstalled } from '../support/more-programs.ts'
import { describeRecipe } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'

/** Parts of a new project that this recipe does not need. Some of their gems are not in Debian. */
const skipped = [
  ...['active-record', 'action-cable', 'action-mailbox', 'action-text', 'active-storage', 'asset-pipeline', 'bootsnap'],
  ...[
    'brakeman',
    'bundle',
    'ci',
    'dev-gems',
    'docker',
    'git',
    'hotwire',
    'javascript',
    'jbuilder',
    'rubocop',
    'system-test',
  ],
].map((part) => `--skip-${part}`)

if (ifInstalled('ruby', 'rails', 'bundle'))
  describeRecipe('rails', {
    prepare: createProject,
    passes: /^1 runs, 2 assertions, 0 failures, 0 errors/m,
    untrusted: /certificate verify failed/,
    spoiled: [
      ['test/integration/sign_up_mail_test.rb', 'delivery_method = :smtp', 'delivery_method = :test'],
      ['test/integration/sign_up_mail_test.rb', '10s', '1ms'],
    ],
    fails: /no message with[^]*1 failures/,
  })

/** Creates a project with `rails new`, with the gems that Debian has, around the files of the page. */
async function createProject(recipe: Recipe): Promise<void> {
  const script = `rails new . --skip ${skipped.join(' ')}\necho 'gem "rails"' >Gemfile\nbundle install --local`
  const { status, stdout, stderr } = await recipe.sh(script)
  expect(status, stdout + stderr).toBe(0)
}
