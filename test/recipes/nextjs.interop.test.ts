import { expect, it } from 'vitest'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

it('passes its test, which fails if the application sends nothing', async () => {
  const env = { NEXT_TELEMETRY_DISABLED: '1' }
  const recipe = await recipes.open('nextjs', { ports: [3000], isLinked: false, env })
  const { status, stdout, stderr } = await recipe.run()
  expect([status, stdout], stdout + stderr).toEqual([0, expect.stringContaining('1 passed')])
  const [mail] = await recipes.lab.messages()
  expect(mail?.session?.tls?.version).toBe('TLSv1.3')

  recipe.edit('app/sign-up/route.js', 'to: email', "to: 'nobody@example.com'")
  const broken = await recipe.run()
  expect([broken.status, broken.stdout]).toEqual([1, expect.stringContaining('1 failed')])
})
