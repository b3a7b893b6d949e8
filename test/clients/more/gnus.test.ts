import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startClientLab } from '../../support/client-lab.ts'
import { ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

const program = fileURLToPath(new URL('programs/gnus.el', import.meta.url))

describe.skipIf(!ifInstalled('emacs'))('Emacs: smtpmail and Gnus', () => {
  test('sends mail, posts and reads news, reads mail with flags', async () => {
    await using client = await startClientLab({ newsgroups: [{ name: 'lab.general' }] })
    const { lab, folder, caFile } = client
    const [smtp, news] = [lab.server('smtp').port, lab.server('nntp').tlsPort]
    const imap = lab.server('imap4').tlsPort
    const authinfo = join(folder, 'authinfo')
    writeFileSync(
      authinfo,
      `machine localhost port ${smtp} login alice password secret
machine localhost port ${imap} login bob password geheim
`,
      { mode: 0o600 },
    )
    const env = {
      HOME: folder,
      ROOT: caFile,
      AUTHINFO: authinfo,
      SMTP_PORT: String(smtp),
      NEWS_PORT: String(news),
      IMAP_PORT: String(imap),
    }
    const { status, stdout, stderr } = await runProgram('emacs', ['--batch', '-Q', '-l', program], { env })
    expect([status, stdout], stdout + stderr).toEqual([0, 'done\n'])
    const lines = lab
      .sessions()
      .flatMap(({ transcript }) => transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : [])))
    expect(lines).toContainEqual(expect.stringMatching(/UID STORE 1 \+FLAGS\.SILENT \(\\Flagged/))
    expect(lines).toContainEqual(expect.stringMatching(/OK UID STORE completed/))
    expect(lines).toContainEqual(expect.stringMatching(/OK \[APPENDUID \d+ 2\]/))
    expect((await lab.messages()).map(({ subject }) => subject)).toEqual(['From Emacs'])
    expect((await lab.articles('lab.general')).map(({ subject }) => subject)).toEqual(['News from Emacs'])
  })
})
