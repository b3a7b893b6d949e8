import { beforeAll, expect, it } from 'vitest'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()
let recipe: Recipe
beforeAll(async () => {
  recipe = await recipes.open('nodemailer')
})

it('sends to a running lab, and passes its test', async () => {
  const { status, stdout, stderr } = await recipe.run()
  expect([status, stdout], stderr).toEqual([0, expect.stringContaining('# pass 1')])
  const mail = await recipes.lab.waitForMessage({ to: 'you@example.com' })
  expect(mail.codes).toEqual(['123456'])
  expect(mail.session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
})

it('does not send if the certificate is not trusted', async () => {
  await recipes.lab.useCertificate({ defect: 'untrusted-root' })
  const { status, stderr } = await recipe.run()
  expect([status, stderr]).toEqual([expect.any(Number), expect.stringMatching(/certificate/)])
  expect(status).not.toBe(0)
  await recipes.lab.useCertificate('auto')
})

it('has a test that fails without the code', async () => {
  recipe.edit('mailer.mjs', 'Your code', 'Welcome')
  const { status, stdout } = await recipe.sh('node --test mailer.test.mjs')
  expect([status, stdout]).toEqual([1, expect.stringContaining('# fail 1')])
})
