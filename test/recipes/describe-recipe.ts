import { beforeAll, describe, expect, it } from 'vitest'
import type { Recipe, RecipeOptions } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

/** A change of a file that breaks what the page promises: the file, a text in it, and the text instead. */
type Edit = readonly [path: string, before: string, after: string]

export interface RecipeExpectations extends RecipeOptions {
  /** Adds the files of the framework's own generator, which the page takes for granted. */
  readonly prepare?: (recipe: Recipe) => void | Promise<void>
  /** The output of the page's test runner if its test passes. */
  readonly passes: RegExp
  /** The output of the page's program if the server's certificate is not trusted. */
  readonly untrusted?: RegExp
  /** Makes the test of the page fail. */
  readonly spoiled: readonly Edit[]
  /** The output of the page's test runner if its test fails. */
  readonly fails: RegExp
}

/** Debian's programs come first: its packages are for these. */
export const debianFirst = { PATH: `node_modules/.bin:/usr/bin:${process.env.PATH}` }

/** Declares the tests of a page: it does what it says, sends nothing to a server that it cannot trust, and its test can fail. */
export function describeRecipe(name: string, expected: RecipeExpectations): void {
  describe(name, () => {
    const recipes = useRecipes()
    let recipe: Recipe
    beforeAll(async () => {
      recipe = await recipes.open(name, { ...expected, env: { ...debianFirst, ...expected.env } })
      await expected.prepare?.(recipe)
    })

    /** Runs the whole page. */
    async function run(): Promise<{ readonly printed: string; readonly succeeds: boolean }> {
      const { status, stdout, stderr } = await recipe.run()
      return { printed: `${stdout}${stderr}`, succeeds: status === 0 }
    }

    it('sends to a running lab, and passes its test', async () => {
      expect(await run()).toEqual({ printed: expect.stringMatching(expected.passes), succeeds: true })
      const messages = await recipes.lab.messages()
      expect(messages.length).toBeGreaterThan(0)
      if (!expected.untrusted) return
      for (const { session } of messages) expect(session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
    })

    it.skipIf(!expected.untrusted)('sends nothing if the certificate is not trusted', async () => {
      await recipes.lab.reset()
      await recipes.lab.useCertificate({ defect: 'untrusted-root' })
      const result = await run()
      await recipes.lab.useCertificate('auto')
      expect(result).toEqual({ printed: expect.stringMatching(expected.untrusted ?? /./), succeeds: false })
      expect(await recipes.lab.messages()).toEqual([])
    })

    it('has a test that can fail', async () => {
      for (const edit of expected.spoiled) recipe.edit(...edit)
      expect(await run()).toEqual({ printed: expect.stringMatching(expected.fails), succeeds: false })
    })
  })
}
