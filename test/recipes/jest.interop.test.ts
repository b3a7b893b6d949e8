import { expect, it } from 'vitest'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

it('passes its test, which fails without the code', async () => {
  const recipe = await recipes.open('jest')
  const { status, stdout, stderr } = await recipe.run()
  expect([status, stderr], stdout).toEqual([0, expect.stringMatching(/Tests: +1 passed/)])

  recipe.edit('src/mailer.js', 'Your code', 'Welcome')
  const broken = await recipe.run()
  expect([broken.status, broken.stderr]).toEqual([1, expect.stringMatching(/Tests: +1 failed/)])
})
