import { ifInstalled } from '../support/more-programs.ts'
import { describeRecipe } from './describe-recipe.ts'

if (ifInstalled('go'))
  describeRecipe('go', {
    env: { GOTOOLCHAIN: 'local', GOPROXY: 'off' },
    passes: /^ok\s+mailer/m,
    untrusted: /certificate signed by unknown authority/,
    spoiled: [
      ['mailer.go', 'is %d', 'comes later%.0d'],
      ['mailer_test.go', '10s', '1ms'],
    ],
    fails: /no mail: [^]*404/,
  })
