import { expect, it } from 'vitest'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

it('passes its tests, which fail if the application hides errors', async () => {
  const recipe = await recipes.open('express')
  const { status, stdout, stderr } = await recipe.run()
  expect([status, stdout], stdout + stderr).toEqual([0, expect.stringMatching(/Tests +2 passed/)])

  recipe.edit('app.js', 'status(502)', 'status(202)')
  const broken = await recipe.run()
  expect([broken.status, broken.stdout]).toEqual([1, expect.stringMatching(/Tests +1 failed \| 1 passed/)])
})
