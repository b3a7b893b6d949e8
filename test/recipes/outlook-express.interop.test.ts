import { expect, it } from 'vitest'
import { RECIPE_LIMIT_MS } from './describe-recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

it(
  'Outlook Express: the commands of the page read its lab, which has the ports of the page',
  async () => {
    const recipe = await recipes.open('outlook-express')
    expect(await recipe.run()).toMatchObject({ status: 0 })
    const [, command = ''] =
      /`SEALPOST_HOSTNAME=mail\.lab\.test (npx sealpost client-settings .*?)`/.exec(recipe.page.text) ?? []
    const { stdout, stderr } = await recipe.sh(`export SEALPOST_HOSTNAME=mail.lab.test\n${command}`)
    const ports = recipe.page.text.match(/(?<=SSL, port )\d+/g) ?? []
    expect(ports).toHaveLength(4)
    for (const port of ports) expect(stdout, stderr).toContain(port)
    const list = /^npx sealpost ca list .*$/m.exec(recipe.page.text)?.[0] ?? ''
    expect(await recipe.sh(list)).toMatchObject({ status: 0, stdout: expect.stringContaining('Sealpost Lab Root CA') })
  },
  RECIPE_LIMIT_MS,
)
