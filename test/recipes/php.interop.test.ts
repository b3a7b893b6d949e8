import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { describeRecipe } from './describe-recipe.ts'
import { copyOfSkeleton, PHPUNIT } from './skeletons.ts'

const phpUnit = { passes: /^OK\b/m, fails: /^Tests: 1, .*(?:Failures|Errors): 1/m }
const php = ['php', 'phpunit'] as const
const library = (path: string) => hasFile(`/usr/share/php/${path}/autoload.php`)

if (ifInstalled(...php))
  describeRecipe('php-mail', {
    ...phpUnit,
    instead: { 'composer require --dev phpunit/phpunit': PHPUNIT },
    spoiled: [['mailer.php', 'is $code', 'comes later']],
  })

if (ifInstalled(...php, library('Symfony/Bundle/FrameworkBundle'), library('Symfony/Component/Mailer')))
  describeRecipe('symfony', {
    ...phpUnit,
    instead: { 'composer create-project symfony/skeleton .': copyOfSkeleton('symfony') },
    untrusted: /certificate verify failed/,
    spoiled: [['src/Controller/SignUpController.php', 'is 123456', 'comes later']],
  })

if (ifInstalled(...php, library('Illuminate'), library('GuzzleHttp'), library('Mockery')))
  describeRecipe('laravel', {
    ...phpUnit,
    instead: {
      'composer create-project laravel/laravel .': `${copyOfSkeleton('laravel')}\nmkdir -p bootstrap/cache storage/framework/views`,
    },
    untrusted: /certificate verify failed/,
    spoiled: [
      ['tests/Feature/SignUpTest.php', "'smtp'", "'array'"],
      ['tests/Feature/SignUpTest.php', '10s', '1ms'],
    ],
    fails: /no message with/,
  })
