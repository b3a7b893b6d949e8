import { needsModule } from '../support/programs.ts'
import { describeRecipe } from './describe-recipe.ts'

if (needsModule('perl', 'Email::Sender')) {
  describeRecipe('perl', {
    passes: /Result: PASS/,
    untrusted: /can't STARTTLS/,
    spoiled: [['lib/Mailer.pm', 'is $code', 'comes later']],
    fails: /Failed 1\/2 subtests/,
  })
}
