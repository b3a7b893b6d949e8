import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { expect, it } from 'vitest'
import { ifInstalled } from '../support/more-programs.ts'
import { DISPLAY_PROGRAMS, startVirtualDisplay } from '../support/virtual-display.ts'
import { debianFirst } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes({ captured: { readers: 'all' } })
const isInstalled = ifInstalled('thunderbird', 'certutil', ...DISPLAY_PROGRAMS)

it.skipIf(!isInstalled)('Thunderbird reads and sends over TLS with the profile of its page', async () => {
  await recipes.lab.deliver({ subject: 'For Thunderbird', text: 'Hello.' }, 'alice')
  const recipe = await recipes.open('thunderbird', { env: debianFirst })
  expect(await recipe.run()).toMatchObject({ status: 0 })
  await runThunderbird(recipe, async () => {
    const [mail] = await recipes.lab.messages({ to: 'bob' })
    expect(mail).toMatchObject({ codes: ['123456'], session: { user: 'alice', tls: { version: 'TLSv1.3' } } })
    const read = recipes.lab.sessions().find(({ user, protocol }) => user === 'alice' && protocol === 'imap4')
    expect(read?.tls?.version).toBe('TLSv1.3')
  })
})

it.skipIf(!isInstalled)(
  'Thunderbird lists captured mail and newsgroups, without a change of its settings',
  async () => {
    await recipes.lab.reset()
    const { port } = recipes.lab.server('smtp')
    const transport = createTransport({ host: '127.0.0.1', port, tls: { ca: recipes.lab.ca } })
    await transport.sendMail({
      from: 'shop@lab.test',
      to: 'customer@shop.example',
      subject: 'Captured',
      text: 'Hello.',
    })
    const recipe = await recipes.open('thunderbird', { env: debianFirst })
    expect(await recipe.run()).toMatchObject({ status: 0 })
    const folder = join(recipe.folder, 'profile/ImapMail/localhost')
    // A file for each mailbox that Thunderbird shows.
    const shown = ['Captured.sbd/shop.example.msf', 'Public Folders.sbd/lab.general.msf']
    const expectShown = async (): Promise<void> =>
      expect(shown.filter((file) => !existsSync(join(folder, file)))).toEqual([])
    await runThunderbird(recipe, expectShown, { composes: false })
  },
)

it.skipIf(!isInstalled)('Thunderbird does not log on if the certificate is not trusted', async () => {
  await recipes.lab.reset()
  await recipes.lab.useCertificate({ defect: 'untrusted-root' })
  const recipe = await recipes.open('thunderbird', { env: debianFirst })
  expect(await recipe.run()).toMatchObject({ status: 0 })
  await runThunderbird(recipe, async () => {
    const { user } = await recipes.lab.waitForSession({ protocol: 'imap4', refused: true }, { timeout: 1000 })
    expect(user).toBeUndefined()
  })
})

/** Runs the page's command on a display until the expectation is met. Enters the password, and sends the message. */
async function runThunderbird(
  { folder, page }: Recipe,
  expectation: () => Promise<void>,
  { composes = true } = {},
): Promise<void> {
  const printed = /^thunderbird .*$/m.exec(page.text)?.[0] ?? ''
  const command = composes ? printed : printed.replace(/ -compose .*/, '')
  await using display = await startVirtualDisplay()
  await using _program = await display.runUntil(
    {
      command: ['sh', '-c', `exec ${command}`],
      cwd: folder,
      env: { HOME: folder },
      answers: [
        { window: /[Pp]assword/, type: 'secret', key: 'Return' },
        { window: /^Write: Your code/, key: 'ctrl+Return' },
      ],
    },
    expectation,
  )
  if (!composes && process.env.SEALPOST_SCREENSHOTS) display.screenshot()
}
