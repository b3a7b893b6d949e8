import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { legacySuites } from '../../../../src/tls/legacy/suites.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'
import { runDialog } from './converse.ts'
import { type DialogStep, dialogs, type OldTlsForm } from './dialogs.ts'
import { type Minimum, nameOf, startOldLab } from './old-lab.ts'
import { type Job, java } from './peers.ts'

const des = legacySuites.find(({ name }) => name === 'TLS_RSA_WITH_DES_CBC_SHA') ?? legacySuites[0]
const folder = newFolder()
const rootFile = join(folder, 'root.pem')
let lab: TestLab

beforeAll(async () => {
  lab = await startOldLab()
  writeFileSync(rootFile, await lab.certificates.oldClientRootPem())
})
afterAll(() => lab.stop())

/** A job that speaks DES over one form of TLS to a virtual server, with or without the 128-bit minimum. */
function overDes(form: OldTlsForm, minimum: Minimum, after: readonly DialogStep[]): Job {
  const { protocol, port, before } = dialogs[form]
  const server = lab.server(nameOf(protocol, minimum))
  return { port: server[port], version: 'TLSv1', suite: des as Job['suite'], before, after }
}

const MESSAGE = 'From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: over DES\r\n\r\nFifty-six bits.\r\n.\r\n'
const submit: readonly DialogStep[] = [
  'SEHLO old.test\r\n',
  'E250 ',
  'SMAIL FROM:<bob@lab.test>\r\n',
  'E250 ',
  'SRCPT TO:<alice@lab.test>\r\n',
  'E250 ',
  'SDATA\r\n',
  'E354 ',
  `S${MESSAGE}`,
  'E250 ',
  'SQUIT\r\n',
  'E221 ',
]
const retrieve: readonly DialogStep[] = [
  'E+OK',
  'SUSER alice\r\n',
  'E+OK',
  'SPASS secret\r\n',
  'E+OK',
  'SRETR 1\r\n',
  'EFifty-six bits.',
  'E.\r\n',
  'SQUIT\r\n',
  'E+OK',
]
const ARTICLE =
  'From: bob@lab.test\r\nNewsgroups: lab.general\r\nSubject: news over DES\r\nMessage-ID: <des@old.test>\r\n\r\nFifty-six.\r\n.\r\n'
const post: readonly DialogStep[] = [
  'E200 ',
  'SMODE READER\r\n',
  'E200 ',
  'SPOST\r\n',
  'E340 ',
  `S${ARTICLE}`,
  'E240 ',
  'SGROUP lab.general\r\n',
  'E211 1 1 1 lab.general',
  'SBODY <des@old.test>\r\n',
  'EFifty-six.',
  'E.\r\n',
  'SQUIT\r\n',
  'E205 ',
]
const fetch: readonly DialogStep[] = [
  'Sb LOGIN alice secret\r\n',
  'Eb OK',
  'Sc SELECT INBOX\r\n',
  'Ec OK',
  'Sd FETCH 1 BODY[]\r\n',
  'EFifty-six bits.',
  'Ed OK',
  'Se LOGOUT\r\n',
  'Ee OK',
]

describe.skipIf(!java.available())('mail over DES with 56 bits', () => {
  it('is sent and read, except where 128 bits are required', { timeout: 120_000 }, async () => {
    const dialog = [
      ['SMTP STARTTLS', submit],
      ['implicit', retrieve],
      ['IMAP STARTTLS', fetch],
    ] as const
    const jobs = (['off', '128'] as const).flatMap((minimum) =>
      dialog.map(([form, steps]) => overDes(form, minimum, steps)),
    )
    const results = await java.run(jobs, rootFile, folder)
    expect(results.slice(0, 3)).toEqual(Array(3).fill('ok TLSv1 SSL_RSA_WITH_DES_CBC_SHA'))
    for (const result of results.slice(3)) expect(result).toMatch(/^failed .*(handshake_failure|insufficient_security)/)
    const [message] = await lab.messages({ subject: 'over DES' })
    expect(message?.raw.toString()).toContain('Fifty-six bits.')
  })
})

describe.skipIf(!java.available())('news over DES with 56 bits', () => {
  it('is posted and read on the TLS port', async () => {
    const { tlsPort } = lab.server(nameOf('nntp', 'off'))
    const job = { ...overDes('implicit', 'off', post), port: tlsPort }
    expect(await java.run([job], rootFile, folder)).toEqual(['ok TLSv1 SSL_RSA_WITH_DES_CBC_SHA'])
  })
})

describe('a session is resumed by its id', () => {
  it.skipIf(!needs('gnutls-cli'))('with GnuTLS, over 3DES', async () => {
    const port = String(lab.server(nameOf('pop3', 'off')).tlsPort)
    const priority = 'NONE:+VERS-TLS1.0:+RSA:+COMP-NULL:+SIGN-ALL:+3DES-CBC:+SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1'
    const args = ['--resume', `--x509cafile=${rootFile}`, '--verify-hostname=localhost', `--priority=${priority}`]
    const steps = ['E*** This is a resumed session', 'E+OK', 'SQUIT\r\n', 'E+OK'] as const
    expect(await runDialog('gnutls-cli', [...args, '-p', port, '127.0.0.1'], steps)).toBe('ok')
  })
})
