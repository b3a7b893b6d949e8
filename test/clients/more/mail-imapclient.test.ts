import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

/**
 * The suite of Debian's libmail-imapclient-perl, which is only in its source: the folder `t` of the tag v3.43 of
 * https://github.com/plobbes/mail-imapclient must be in this folder.
 */
const suite = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost/mail-imapclient-3.43')
const hasSuite = existsSync(join(suite, 't/basic.t'))
if (!hasSuite) console.warn(`skipped, missing: ${suite}`)
const canRun = hasSuite && ifInstalled('prove', hasFile('/usr/share/perl5/Mail/IMAPClient.pm'))

/** Tests of the suite that other servers pass, and no RFC asks for. */
const LEFT_TO_SERVER = [
  // CREATE also creates the mailboxes above the new one. In this lab they can be selected. RFC 9051 section 6.3.4
  'folders() excludes /Noselect mailbox',
  'not selectable (non-mailbox w/inferior)',
  // "User quota" is the name of Dovecot. Servers choose the names of quota roots. RFC 9208 section 3.2
  'getquota',
]

let folder: string
let lab: TestLab
beforeAll(async () => {
  if (!canRun) return
  folder = newFolder()
  cpSync(suite, folder, { recursive: true })
  lab = await startLab({ directory: { accounts: [{ user: 'alice', password: 'secret', quota: { size: '10MB' } }] } })
  const settings = { server: '127.0.0.1', port: lab.server('imap4').port, user: 'alice', passed: 'secret' }
  writeFileSync(
    join(folder, 'test.txt'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
})
afterAll(async () => {
  await lab?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

it.skipIf(!canRun)('passes the suite of Mail::IMAPClient, except what the RFCs leave to the server', async () => {
  const { stdout, stderr } = await runProgram('prove', ['-v', 't'], { cwd: folder })
  const failed = [...stdout.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => name)
  expect(failed, stdout + stderr).toEqual(LEFT_TO_SERVER)
  expect(stdout).toMatch(/^Files=10, Tests=2\d\d,/m)
})
