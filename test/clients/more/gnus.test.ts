import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startClientLab } from '../../support/client-lab.ts'
import { ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

const program = fileURLToPath(new URL('programs/gnus.el', import.meta.url))

describe.skipIf(!ifInstalled('emacs'))('Emacs: smtpmail and Gnus', () => {
  test('sends mail, posts and reads news', async () => {
    await using client = await startClientLab({ newsgroups: [{ name: 'lab.general' }] })
    const { lab, folder, caFile } = client
    const [smtp, news] = [lab.server('smtp').port, lab.server('nntp').tlsPort]
    const authinfo = join(folder, 'authinfo')
    writeFileSync(
      authinfo,
      `machine localhost port ${smtp} login alice password secret
`,
      { mode: 0o600 },
    )
    const env = {
      ...{ HOME: folder, ROOT: caFile, AUTHINFO: authinfo },
      ...{ SMTP_PORT: String(smtp), NEWS_PORT: String(news) },
    }
    const { status, stdout, stderr } = await runProgram('emacs', ['--batch', '-Q', '-l', program], { env })
    expect([status, stdout], stdout + stderr).toEqual([0, 'done\n'])
    expect((await lab.messages()).map(({ subject }) => subject)).toEqual(['From Emacs'])
    expect((await lab.articles('lab.general')).map(({ subject }) => subject)).toEqual(['News from Emacs'])
  })
})
