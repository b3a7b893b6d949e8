import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { describeRecipe } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'

const jar = (name: string): string => `/usr/share/java/${name}.jar`
const JUNIT = jar('junit-platform-console-standalone')
const MAIL = [jar('jakarta-mail'), jar('jakarta-activation')]

if (ifInstalled('javac', 'java', 'keytool', ...[JUNIT, ...MAIL].map(hasFile)))
  describeRecipe('jakarta-mail', {
    prepare: (recipe) => addMaven(recipe, MAIL),
    passes: /1 tests successful/,
    untrusted: /unable to find valid certification path/,
    spoiled: [
      ['src/main/java/shop/Mailer.java', 'Your code is', 'Not'],
      ['src/test/java/shop/MailerTest.java', '10s', '1ms'],
    ],
    fails: /no message with[^]*1 tests failed/,
  })

/** Puts a program in the place of Maven, which would download its plug-ins. It compiles, and runs JUnit. */
function addMaven(recipe: Recipe, libraries: readonly string[]): void {
  const compile = `javac -d target -cp ${[JUNIT, ...libraries].join(':')} $(find src -name '*.java')`
  const run = `java -jar ${JUNIT} -cp target:${libraries.join(':')} --scan-classpath=target --disable-banner`
  recipe.write('node_modules/.bin/mvn', `#!/bin/sh\nset -e\n${compile}\n${run}\n`)
  chmodSync(join(recipe.folder, 'node_modules/.bin/mvn'), 0o755)
}
