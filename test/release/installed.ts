import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { freeOffset } from '../support/free-ports.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

/** The packed package, and an empty project. */
export class EmptyProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealpost-installed-'))
  /** `./sealpost-1.2.3.tgz`. */
  readonly tarball: string

  constructor() {
    // Without scripts: packing must not rebuild dist/, which other tests use.
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', this.folder]
    const [{ filename }] = JSON.parse(run('npm', args, repository)) as [{ filename: string }]
    this.tarball = `./${filename}`
    writeFileSync(join(this.folder, 'package.json'), '{ "name": "empty", "version": "1.0.0", "private": true }\n')
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs a program in the project to its end, and returns what it prints. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = this.environment()): string {
    return run(program, args, this.folder, env)
  }

  /** Returns an environment in which the user's own labs and variables have no effect. */
  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^SEALPOST_/.test(name)))
    return { ...clean, TMPDIR: this.folder, XDG_RUNTIME_DIR: '', XDG_DATA_HOME: join(this.folder, 'data'), ...more }
  }

  /**
   * Starts the lab with the package's own configuration, sends a mail with curl, and shows it with the command.
   * @param command how the project runs Sealpost: `npx sealpost`
   */
  async expectReceivesMail([program = '', ...args]: readonly string[]): Promise<void> {
    const env = this.environment({ SEALPOST_PORT_OFFSET: `${await freeOffset(PORTS)}` })
    // A group of its own, to which the terminal sends Ctrl-C.
    const child = spawn(program, [...args, 'start', '--json'], { cwd: this.folder, env, detached: true })
    const closed = once(child, 'close')
    try {
      const port = await smtpPort(child)
      const mail = join(this.folder, 'mail.eml')
      writeFileSync(mail, 'From: bob@lab.test\r\nTo: anyone@lab.test\r\nSubject: Installed\r\n\r\nIt works.\r\n')
      const envelope = ['--mail-from', 'bob@lab.test', '--mail-rcpt', 'anyone@lab.test']
      this.run('curl', ['-sS', `smtp://127.0.0.1:${port}`, ...envelope, '-T', mail])
      const [{ id }] = JSON.parse(this.run(program, [...args, 'mail', 'list', '--json'], env)) as [{ id: string }]
      expect(this.run(program, [...args, 'mail', 'show', id], env)).toMatch(/Installed[^]*It works\./)
    } finally {
      process.kill(-(child.pid as number), 'SIGINT')
      await closed
    }
  }
}

function run(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' })
  expect([[program, ...args].join(' '), status, status === 0 ? '' : stdout + stderr]).toEqual([
    expect.anything(),
    0,
    '',
  ])
  return stdout
}

/** Returns the port of the SMTP virtual server when all ports answer. */
async function smtpPort(child: ChildProcess): Promise<number> {
  const errors: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const { event, endpoints } = JSON.parse(line) as {
      event: string
      endpoints?: readonly { protocol: string; port: number }[]
    }
    const smtp = endpoints?.find(({ protocol }) => protocol === 'smtp')
    if (event === 'ready' && smtp) return smtp.port
  }
  throw new Error(`the lab did not start: ${errors.join('')}`)
}

/** Ports of config/default.yaml without its offset. */
const PORTS = [25, 110, 995, 143, 993, 119, 563, 5025, 5443]
