import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { mainFile } from '../support/sealpost.ts'
import { debianFirst } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()

async function open(): Promise<Recipe> {
  const recipe = await recipes.open('mutt', { env: { ...debianFirst, HOME: '.' } })
  recipe.writeFiles()
  mkdirSync(join(recipe.folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(mainFile, join(recipe.folder, 'node_modules/.bin/sealpost'))
  return recipe
}

describe.each(['mutt', 'neomutt'])('%s, as docs/recipes/mutt.md configures it', (program) => {
  it.skipIf(!needs(program))('sends over TLS, and mail wait returns the message', async () => {
    await recipes.lab.reset()
    const recipe = await open()
    const { status, stdout, stderr } = await recipe.sh(commandsOf(recipe, program))
    expect([status, stdout], stderr).toEqual([0, expect.stringContaining('Your code is 123456.')])
    const expected = { smtp: ['alice', 'TLSv1.3'], ...(program === 'mutt' ? { imap4: ['alice', 'TLSv1.3'] } : {}) }
    const sessions = recipes.lab.sessions().filter(({ protocol }) => protocol !== 'http')
    expect(Object.fromEntries(sessions.map((one) => [one.protocol, [one.user, one.tls?.version]]))).toEqual(expected)
  })

  it.skipIf(!needs(program))('sends nothing if the certificate is not trusted', async () => {
    await recipes.lab.reset()
    await recipes.lab.useCertificate({ defect: 'untrusted-root' })
    const recipe = await open()
    const { status } = await recipe.sh(commandsOf(recipe, program))
    await recipes.lab.useCertificate('auto')
    expect(status).not.toBe(0)
    const transcripts = recipes.lab
      .sessions()
      .flatMap(({ protocol, transcript }) => (protocol === 'smtp' ? transcript : []))
    expect(transcripts.flatMap((one) => (one.kind === 'line' ? [one.text] : []))).toContain('STARTTLS')
    expect(await recipes.lab.messages()).toEqual([])
  })
})

it('the page about mutt has the lines of `sealpost client-settings --program mutt`', async () => {
  const recipe = await open()
  const base = `http://localhost:${recipes.lab.server('http').port}`
  const { programs } = (await (await fetch(`${base}/api/v1/client-settings?account=alice`)).json()) as ClientSettings
  const lines = programs.find(({ id }) => id === 'mutt')?.text.split('\n') ?? []
  const page = recipe.here(recipe.page.text).split('\n')
  const settings = lines.filter((line) => line.startsWith('set ') && !line.includes('your password'))
  expect(settings.length).toBeGreaterThan(5)
  expect(settings.filter((line) => !page.includes(line))).toEqual([])
})

interface ClientSettings {
  readonly programs: readonly { readonly id: string; readonly text: string }[]
}

const commandsOf = (recipe: Recipe, program: string): string =>
  recipe.page.commands.join('').replaceAll('mutt -F', `${program} -F`)
