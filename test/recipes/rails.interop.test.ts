import { ifInstalled } from '../support/more-programs.ts'
import { describeRecipe } from './describe-recipe.ts'

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
    // The gems that Debian has.
    instead: {
      'rails new . --minimal': `rails new . ${skipped.join(' ')}\necho 'gem "rails"' >Gemfile\nbundle install --local`,
    },
    passes: /^1 runs, 2 assertions, 0 failures, 0 errors/m,
    untrusted: /certificate verify failed/,
    spoiled: [
      ['test/integration/sign_up_mail_test.rb', 'delivery_method = :smtp', 'delivery_method = :test'],
      ['test/integration/sign_up_mail_test.rb', '10s', '1ms'],
    ],
    fails: /no message with[^]*1 failures/,
  })
