import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs, needsFile } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { mainFile, type StartedLab, Workplace } from '../support/sealpost.ts'

/** The command `sealpost-sendmail`. */
const program = join(dirname(mainFile), 'sendmail/main.js')

let place: Workplace
let lab: StartedLab

beforeAll(async () => {
  place = new Workplace()
  const accounts = ['alice', 'bob', 'root'].map((user) => `{ user: ${user}, password: secret }`)
  place.write(
    'lab.yaml',
    `domain: lab.test
store: memory
certificates: memory
directory: { accounts: [${accounts}] }
virtualServers: [{ protocol: smtp, port: 0 }]
`,
  )
  lab = await place.start(['--config', 'lab.yaml'])
})
afterAll(() => lab?.[Symbol.asyncDispose]())

function runHere(command: string, args: readonly string[], input = ''): Promise<ProgramResult> {
  const home = { HOME: place.folder, LC_ALL: 'C.UTF-8', GIT_CONFIG_NOSYSTEM: '1' }
  const env = place.environment(home) as Record<string, string>
  return runProgram(command, args, { input: Buffer.from(input), cwd: place.folder, env })
}

async function done(command: string, args: readonly string[], input = ''): Promise<ProgramResult> {
  const result = await runHere(command, args, input)
  expect(result.status, result.stderr + result.stdout).toBe(0)
  return result
}

interface Shown {
  readonly subject: string
  readonly from: { readonly address: string }
  readonly text: string
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
}

async function latest(): Promise<Shown> {
  const { stdout, stderr } = await place.run(['mail', 'show', '--json', '--config', 'lab.yaml'])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Shown
}

describe('programs that call sendmail', () => {
  test.skipIf(!needs('git') || !needsFile('/usr/lib/git-core/git-send-email'))('git send-email', async () => {
    mkdirSync(join(place.folder, 'project'))
    const git = (...args: readonly string[]): Promise<ProgramResult> =>
      done('git', ['-C', 'project', '-c', 'user.name=Alice', '-c', 'user.email=alice@lab.test', ...args])
    await git('init', '-q')
    await git('commit', '-q', '--allow-empty', '-m', 'project: begin')
    place.write('project/file.txt', '.\n..\nGr\u00fc\u00dfe\n')
    await git('add', 'file.txt')
    await git('commit', '-q', '-m', 'project: add a file')
    const { stdout } = await git(
      ...['send-email', `--smtp-server=${program}`, '--to=bob@lab.test', '--bcc=root@lab.test', '--confirm=never'],
      ...['--8bit-encoding=UTF-8', '--envelope-sender=auto', '-1'],
    )
    expect(stdout).toContain('Result: OK')
    const { subject, text, envelope } = await latest()
    expect({ subject, envelope }).toEqual({
      subject: '[PATCH] project: add a file',
      envelope: { from: 'alice@lab.test', to: expect.arrayContaining(['bob@lab.test', 'root@lab.test']) },
    })
    expect(text).toContain('+.\n+..\n+Gr\u00fc\u00dfe\n')
  })

  test.skipIf(!needs('git') || !needsFile('/usr/lib/git-core/git-send-email'))(
    'git send-email shows why a recipient is refused',
    async () => {
      const to = '--to=nobody@lab.test'
      const args = ['send-email', `--smtp-server=${program}`, to, '--from=alice@lab.test', '--confirm=never']
      place.write('x.patch', 'From: alice@lab.test\nSubject: [PATCH] refused\n\nx\n')
      const { status, stderr } = await runHere('git', [...args, 'x.patch'])
      expect(status).not.toBe(0)
      expect(stderr).toContain('sendmail: nobody@lab.test: 550 5.1.1')
    },
  )

  test.skipIf(!needs('php'))('PHP mail()', async () => {
    const script = `
exit(mail('bob@lab.test', 'by PHP', "line one\\n.\\nline three", ['From' => 'shop@lab.test', 'Bcc' => 'alice@lab.test'], '-fbounce@lab.test') ? 0 : 1);`
    await done('php', ['-n', '-d', `sendmail_path=${program} -t -i`, '-r', script])
    const { subject, text, envelope, from } = await latest()
    expect({ subject, text: text.trim().split(/\r?\n/), from: from.address, envelope }).toEqual({
      subject: 'by PHP',
      text: ['line one', '.', 'line three'],
      from: 'shop@lab.test',
      envelope: { from: 'bounce@lab.test', to: expect.arrayContaining(['alice@lab.test', 'bob@lab.test']) },
    })
    const refused = `exit(mail('nobody@lab.test', 'x', 'x') ? 0 : 3);`
    expect((await runHere('php', ['-n', '-d', `sendmail_path=${program} -t -i`, '-r', refused])).status).toBe(3)
  })

  test.skipIf(!needs('neomutt'))('mutt', async () => {
    place.write(
      'muttrc',
      `set sendmail="${program} -oem -oi"\nset from=alice@lab.test\nset record=""\nset use_envelope_from`,
    )
    await done('neomutt', ['-n', '-F', 'muttrc', '-s', 'by mutt', '-b', 'root@lab.test', 'bob@lab.test'], 'hello\n')
    expect(await latest()).toMatchObject({
      subject: 'by mutt',
      envelope: { from: 'alice@lab.test', to: expect.arrayContaining(['bob@lab.test', 'root@lab.test']) },
    })
  })

  test.skipIf(!needs('bsd-mailx'))('mailx', async () => {
    place.write('mailrc', `set sendmail=${program}\n`)
    const settings = ['env', `MAILRC=${join(place.folder, 'mailrc')}`, 'bsd-mailx']
    await done(settings[0] as string, [...settings.slice(1), '-n', '-s', 'by mailx', 'bob@lab.test'], 'hello\n')
    expect(await latest()).toMatchObject({ subject: 'by mailx', envelope: { to: ['bob@lab.test'] } })
  })

  test.skipIf(!needs('swaks'))('swaks speaks to -bs', async () => {
    const { stdout } = await done('swaks', [
      ...['--pipe', `${program} -bs`, '--from', 'alice@lab.test', '--to', 'bob@lab.test', '--h-Subject', 'by swaks'],
    ])
    expect(stdout).toContain('221 2.0.0 Bye')
    expect((await latest()).subject).toBe('by swaks')
  })

  test('cron', async () => {
    // As Debian's cron calls it.
    const args = ['-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'root']
    const mail =
      'From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> backup\nX-Cron-Env: <LOGNAME=root>\n\nGr\u00fc\u00dfe\n'
    await done(program, args, mail)
    expect(await latest()).toMatchObject({
      subject: 'Cron <root@host> backup',
      text: 'Gr\u00fc\u00dfe\n',
      envelope: { to: ['root@lab.test'] },
    })
  })
})
