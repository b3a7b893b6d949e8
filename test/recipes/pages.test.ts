import { expect, it } from 'vitest'
import { knownPackages, versionOf } from './npm-packages.ts'
import { npmPackagesOf, readRecipe, recipeNames, textOfRecipe } from './page.ts'

const index = textOfRecipe('index')

it.each(recipeNames)('%s: has at most 60 lines, and installs packages that the tests install', (name) => {
  const page = readRecipe(name)
  expect(page.text.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  expect(npmPackagesOf(page).map(versionOf)).not.toContain('')
})

it('the index lists every recipe once, with what was run', () => {
  const rows = [...index.matchAll(/^\| \[[^\]]+\]\((.+)\.md\) \| (.+) \|$/gm)]
  expect(rows.map(([, name]) => name).sort()).toEqual([...recipeNames].sort())
  for (const [row, , run = ''] of rows) expect(run, row).toMatch(/\d|not run/i)
})

it('the index names the versions of npm packages that the tests use', () => {
  const rows = index.split('\n').filter((line) => line.startsWith('| ['))
  for (const name of knownPackages()) {
    for (const row of rows) {
      const named = row
        .split(/[|,;]/)
        .map((part) => part.trim())
        .find((part) => part.startsWith(`${name} `))
      if (named) expect(named, row).toMatch(new RegExp(`^${name} ${versionOf(name)}\\b`))
    }
  }
})
