import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ifInstalled } from '../support/more-programs.ts'
import { runProgram } from '../support/run-program.ts'
import { debianFirst } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()
const isInstalled = ifInstalled('thunderbird', 'certutil', 'xvfb-run', 'xauth', 'xdotool')

it.skipIf(!isInstalled)('Thunderbird reads and sends over TLS with the profile of its page', async () => {
  await recipes.lab.deliver({ subject: 'For Thunderbird', text: 'Hello.' }, 'alice')
  const recipe = await recipes.open('thunderbird', { env: debianFirst })
  expect(await recipe.run()).toMatchObject({ status: 0 })
  const running = runThunderbird(recipe)
  try {
    const mail = await recipes.lab.waitForMessage({ to: 'bob' }, { timeout: 90_000 })
    expect(mail.codes).toEqual(['123456'])
    expect(mail.session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
    const { tls } = await recipes.lab.waitForSession({ user: 'alice', protocol: 'imap4' }, { timeout: 30_000 })
    expect(tls?.version).toBe('TLSv1.3')
  } finally {
    writeFileSync(join(recipe.folder, 'done'), '')
    await running
  }
})

it.skipIf(!isInstalled)('Thunderbird does not log on if the certificate is not trusted', async () => {
  await recipes.lab.reset()
  await recipes.lab.useCertificate({ defect: 'untrusted-root' })
  const recipe = await recipes.open('thunderbird', { env: debianFirst })
  expect(await recipe.run()).toMatchObject({ status: 0 })
  const running = runThunderbird(recipe)
  try {
    const { user } = await recipes.lab.waitForSession({ protocol: 'imap4', refused: true }, { timeout: 90_000 })
    expect(user).toBeUndefined()
  } finally {
    writeFileSync(join(recipe.folder, 'done'), '')
    await running
  }
})

/** Runs the page's command on a virtual screen. Enters the password, and sends, until the file `done` exists. */
function runThunderbird(recipe: Recipe): Promise<unknown> {
  const command = /^thunderbird .*$/m.exec(recipe.page.text)?.[0]
  recipe.write('run.sh', `${command} >log 2>&1 &\n${ANSWERS}`)
  const env = { HOME: recipe.folder, NO_AT_BRIDGE: '1', GDK_BACKEND: 'x11' }
  return runProgram('xvfb-run', ['-a', 'sh', 'run.sh'], { cwd: recipe.folder, env })
}

const ANSWERS = `pid=$!
focus() {
  window=$(xdotool search --onlyvisible --name "$1" 2>/dev/null | head -1)
  [ -n "$window" ] && xdotool windowfocus --sync "$window"
}
while kill -0 $pid && [ ! -e done ]; do
  if focus '[Pp]assword'; then
    xdotool type secret
    xdotool key Return
  elif focus '^Write: Your code'; then
    xdotool key ctrl+Return
  fi
  sleep 0.5
done
kill $pid
wait $pid
`
