import { describe, expect, it } from 'vitest'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

describe('imapflow', () => {
  it('reads from a running lab, and its test notices a message that stays unread', async () => {
    const recipe = await recipes.open('imapflow')
    const { status, stdout, stderr } = await recipe.run()
    expect([status, stdout], stderr).toEqual([0, expect.stringMatching(/Help\n[^]*# pass 1/)])
    expect(await recipes.lab.waitForSession({ protocol: 'imap4', ended: true })).toMatchObject({
      user: 'alice',
      tls: { version: 'TLSv1.3' },
    })

    recipe.edit('inbox.mjs', 'messageFlagsAdd', 'messageFlagsRemove')
    const broken = await recipe.sh('node --test inbox.test.mjs')
    expect([broken.status, broken.stdout]).toEqual([1, expect.stringContaining('# fail 1')])
  })
})

describe('Vitest', () => {
  it('tests an application that reads the environment, and fails without TLS', async () => {
    const recipe = await recipes.open('vitest')
    const { status, stdout, stderr } = await recipe.run()
    expect([status, stdout], stdout + stderr).toEqual([0, expect.stringMatching(/Tests +1 passed/)])

    recipe.edit('src/mailer.ts', 'requireTLS', 'ignoreTLS')
    const broken = await recipe.run()
    expect([broken.status, broken.stdout]).toEqual([1, expect.stringMatching(/Tests +1 failed/)])
  })
})
