import { beforeAll, describe, expect, it } from 'vitest'
import { hasChromium } from '../console/browser.ts'
import { RECIPE_LIMIT_MS } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const debian = `use: { launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }, `

describe.skipIf(!hasChromium)('Playwright', { timeout: RECIPE_LIMIT_MS }, () => {
  const recipes = useRecipes()
  let recipe: Recipe
  beforeAll(async () => {
    // Playwright's own browser is not in the npm registry, so Debian's takes its place.
    recipe = await recipes.open('playwright', { ports: [3000], instead: { 'npx playwright install chromium': '' } })
    recipe.edit('playwright.config.ts', 'use: { ', debian)
  })

  it('signs up with the code from the mail', async () => {
    const { status, stdout, stderr } = await recipe.run()
    expect([status, stdout], stdout + stderr).toEqual([0, expect.stringContaining('1 passed')])
    const [mail] = await recipes.lab.messages()
    expect(mail?.session?.tls?.version).toBe('TLSv1.3')
  })

  it('fails with another code', async () => {
    recipe.edit('e2e/sign-up.spec.ts', '.codes[0]', '.codes[0].replace(/./g, "0")')
    const { status, stdout } = await recipe.run()
    expect([status, stdout]).toEqual([1, expect.stringContaining('Wrong code')])
  })
})
