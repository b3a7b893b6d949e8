import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { corpus } from '../../support/corpus.ts'
import { newFolder } from '../../support/folder.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { missingPrograms } from '../../support/programs.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'

/** imapsync is not in Debian: its script (https://github.com/imapsync/imapsync) must be in the PATH. Debian has its modules. */
const hasImapsync = missingPrograms(['imapsync']).length === 0
if (!hasImapsync) console.warn('skipped, not installed: imapsync')
const modules = ['Encode/IMAPUTF7', 'File/Copy/Recursive', 'File/Tail', 'IO/Tee', 'Mail/IMAPClient', 'Regexp/Common']
const mails = corpus()
const canRun =
  hasImapsync && mails.length > 0 && ifInstalled(...modules.map((name) => hasFile(`/usr/share/perl5/${name}.pm`)))

const FOLDERS = 65
/** Names that need quotes, modified UTF-7 or a level above them. RFC 3501 section 5.1.3 */
const odd = ['Entwürfe & Rest', 'a "quoted" name', 'per%cent*star', '日本語', 'deep/er/est', 'tilde~', 'back\\slash']
const names = Array.from({ length: FOLDERS }, (_, index) => odd[index] ?? `Archive/${2000 + index}/${index % 4}`)

let folder: string
let [from, to]: TestLab[] = []
beforeAll(async () => {
  if (!canRun) return
  folder = newFolder()
  ;[from, to] = await Promise.all([startLab(), startLab()])
  await fill(from)
  for (const [index, lab] of [from, to].entries()) writeFileSync(join(folder, `ca${index + 1}.pem`), lab.ca)
})
afterAll(async () => {
  await Promise.all([from?.stop(), to?.stop()])
  if (folder) rmSync(folder, { recursive: true, force: true })
})

async function connect(lab: TestLab): Promise<ImapFlow> {
  const client = new ImapFlow({ ...lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
  await client.connect()
  return client
}

/** Puts the corpus into the mailboxes in turn, with flags and dates. */
async function fill(lab: TestLab): Promise<void> {
  const client = await connect(lab)
  for (const name of names) await client.mailboxCreate(name)
  for (const [index, { raw }] of mails.entries()) {
    const flags = [['\\Seen'], ['\\Flagged', '\\Answered'], ['$Forwarded', 'own-keyword'], []][index % 4]
    const date = new Date(Date.UTC(2001, index % 12, 1 + (index % 28), 12, index % 60))
    await client.append(names[index % FOLDERS] as string, raw, flags, date)
  }
  await client.logout()
}

/** Returns all messages of an account by mailbox, without what the server chooses. */
async function contentOf(lab: TestLab): Promise<Record<string, unknown[]>> {
  const client = await connect(lab)
  const content: Record<string, unknown[]> = {}
  for (const { path, flags } of await client.list()) {
    if (flags.has('\\Noselect')) continue
    await client.mailboxOpen(path, { readOnly: true })
    const all = await client.fetchAll('1:*', { source: true, flags: true, internalDate: true })
    content[path] = all.map(({ source, flags: set, internalDate }) => [
      source?.toString('latin1'),
      [...(set ?? [])].filter((flag) => flag !== '\\Recent').sort(),
      new Date(internalDate ?? 0).toISOString(),
    ])
  }
  await client.logout()
  return content
}

/** Runs imapsync from one lab to the other, over TLS that it verifies. */
function sync(): Promise<ProgramResult> {
  const ends = [from, to].flatMap((lab, index) => {
    const { host, port } = { host: 'localhost', port: lab?.server('imap4').tlsPort }
    const tls = [`SSL_ca_file=${join(folder, `ca${index + 1}.pem`)}`, 'SSL_verify_mode=1']
    const options = { host, port, user: 'alice', password: 'secret' }
    return [
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}${index + 1}`, `${value}`]),
      `--ssl${index + 1}`,
      ...tls.flatMap((argument) => [`--sslargs${index + 1}`, argument]),
    ]
  })
  const quiet = [
    '--noreleasecheck',
    '--nolog',
    '--nomodulesversion',
    '--tmpdir',
    folder,
    '--pidfile',
    join(folder, 'pid'),
  ]
  return runProgram('imapsync', [...ends, ...quiet], { cwd: folder, timeoutMs: 900_000 })
}

const countOf = (text: string, what: string): number => Number(new RegExp(`^${what} +: (\\d+)`, 'm').exec(text)?.[1])

it.skipIf(!canRun)(
  'imapsync copies 65 mailboxes of real mail octet by octet, and its second run transfers nothing',
  async () => {
    const before = await contentOf(from as TestLab)
    expect(Object.keys(before)).toEqual(expect.arrayContaining(names))
    const first = await sync()
    expect([first.status, countOf(first.stdout, 'Messages transferred')], first.stdout.slice(-6000)).toEqual([
      0,
      mails.length,
    ])
    expect(await contentOf(to as TestLab)).toEqual(before)

    const second = await sync()
    expect([second.status, countOf(second.stdout, 'Messages transferred')], second.stdout.slice(-6000)).toEqual([0, 0])
    expect(await contentOf(to as TestLab)).toEqual(before)
  },
  1_200_000,
)
