import { beforeAll, describe, expect, it } from 'vitest'
import { npmPackagesOf, readRecipe, versionsInIndex } from './page.ts'
import type { Recipe, RecipeOptions } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

/** A change of a file that breaks what the page promises: the file, a text in it, and the text instead. */
type Edit = readonly [path: string, before: string, after: string]

interface RecipeExpectations extends RecipeOptions {
  /** Adds what the reader has before the first line of the page, such as a database, and in a test what cannot be reached. */
  readonly prepare?: (recipe: Recipe) => void | Promise<void>
  /** A session that the running lab then has, over TLS, if the page has no test for `untrusted`. */
  readonly session?: Readonly<Record<string, string>>
  /** The recipient of a message that the running lab then has, and the codes in it. */
  readonly arrives?: { readonly to: string; readonly codes: readonly string[] }
  /** Whether the page's test starts a lab of its own, so that nothing arrives in the running one. */
  readonly hasOwnLab?: boolean
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
export const debianFirst = { PATH: `/usr/bin:${process.env.PATH}` }

/** npm installs hundreds of packages, and the frameworks compile the page. */
export const RECIPE_LIMIT_MS = 600_000

/** Declares the tests of a page: it does what it says, sends nothing to a server that it cannot trust, and its test can fail. */
export function describeRecipe(name: string, expected: RecipeExpectations): void {
  describe(name, { timeout: RECIPE_LIMIT_MS }, () => {
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
      if (expected.session) {
        const session = { ...expected.session, tls: expect.objectContaining({ version: 'TLSv1.3' }) }
        expect(recipes.lab.sessions()).toContainEqual(expect.objectContaining(session))
      }
      if (expected.arrives) {
        const { to, codes } = expected.arrives
        expect((await recipes.lab.messages({ to })).map((mail) => mail.codes)).toContainEqual(codes)
      }
      if (expected.hasOwnLab) return
      const messages = await recipes.lab.messages()
      expect(messages.length).toBeGreaterThan(0)
      if (!expected.untrusted) return
      for (const { session } of messages) expect(session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
    })

    it.runIf(readRecipe(name).commands.join('').includes('npm init'))(
      'passes with and without the "type" that versions of npm write, and the index names the versions',
      async () => {
        const { type, ...rest } = JSON.parse(recipe.read('package.json')) as { type?: string }
        if (type !== 'module') recipe.write('package.json', JSON.stringify(type ? rest : { ...rest, type: 'commonjs' }))
        expect(await run()).toEqual({ printed: expect.stringMatching(expected.passes), succeeds: true })
        const named = versionsInIndex(name)
        const packages = npmPackagesOf(recipe.page)
        expect(packages.some((one) => named.has(one))).toBe(true)
        for (const npmPackage of packages) {
          const { version } = JSON.parse(recipe.read(`node_modules/${npmPackage}/package.json`)) as { version: string }
          const inIndex = named.get(npmPackage)
          if (inIndex) expect(`${npmPackage} ${version.split('.')[0]}`).toBe(`${npmPackage} ${inIndex.split('.')[0]}`)
        }
      },
    )

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
