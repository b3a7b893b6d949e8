import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { vi } from 'vitest'
import { newFolder } from './folder.ts'
import { runProgram } from './run-program.ts'
import { pngOfXwd } from './xwd-png.ts'

/** A user's answer to a window whose title matches: types a text, then presses a key. */
interface Answer {
  readonly window: RegExp
  readonly type?: string
  /** A key by its xdotool name: `Return`, `ctrl+Return`. */
  readonly key: string
}

interface WindowProgram {
  readonly command: readonly [program: string, ...args: string[]]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The first answer whose window is visible is given, again and again. */
  readonly answers?: readonly Answer[]
}

/** The programs that tests with windows need, beside the program itself. */
export const DISPLAY_PROGRAMS = ['Xvfb', 'xdotool'] as const

const WAIT_MS = 90_000

/**
 * Starts an X server without a screen, for one test. Xvfb itself chooses the number of the display and reports it when it
 * accepts clients. (`xvfb-run -a` can choose a number that another one takes, and can miss the signal that Xvfb is ready.)
 */
export async function startVirtualDisplay() {
  const folder = newFolder()
  const args = ['-displayfd', '3', '-nolisten', 'tcp', '-screen', '0', '1280x1024x24', '-fbdir', folder]
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  const messages: Buffer[] = []
  server.stderr?.on('data', (chunk: Buffer) => messages.push(chunk))
  const stop = async (): Promise<void> => {
    await end(server)
  }
  const number = await Promise.race([
    once(server.stdio[3] as Readable, 'data').then(([chunk]) => Number.parseInt(String(chunk), 10)),
    once(server, 'exit').then(() => Number.NaN),
  ])
  if (Number.isNaN(number)) {
    await stop()
    throw new Error(`Xvfb did not start: ${Buffer.concat(messages)}`)
  }
  const environment = {
    DISPLAY: `:${number}`,
    GDK_BACKEND: 'x11',
    NO_AT_BRIDGE: '1',
    GSETTINGS_BACKEND: 'memory',
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
  }
  const xdotool = (...command: string[]) => runProgram('xdotool', command, { env: environment, timeoutMs: 10_000 })
  const windows = async (title: string): Promise<string[]> =>
    (await xdotool('search', '--onlyvisible', '--name', title)).stdout.split('\n').filter((id) => id !== '')

  async function give(answers: readonly Answer[]): Promise<void> {
    for (const { window, type, key } of answers) {
      const [id] = await windows(window.source)
      if (id === undefined) continue
      await xdotool('windowfocus', '--sync', id)
      // Replaces what an earlier attempt typed. `type` takes all further arguments as text.
      if (type !== undefined) await xdotool('key', 'ctrl+a').then(() => xdotool('type', type))
      await xdotool('key', key)
      return
    }
  }

  async function titles(): Promise<string[]> {
    const ids = await windows('.')
    return Promise.all(ids.map(async (id) => (await xdotool('getwindowname', id)).stdout.trim()))
  }

  /** Writes what the screen shows into a PNG file that stays, and returns its path. */
  function screenshot(): string {
    const target = join(
      process.env.SEALPOST_SCREENSHOTS ?? tmpdir(),
      `sealpost-screen-${process.pid}-${Date.now()}.png`,
    )
    mkdirSync(join(target, '..'), { recursive: true })
    writeFileSync(target, pngOfXwd(readFileSync(join(folder, 'Xvfb_screen0'))))
    return target
  }

  return {
    environment,
    screenshot,
    /** Runs a program on the display to its end. */
    run: (command: WindowProgram['command'], env: Readonly<Record<string, string>> = {}) =>
      runProgram(command[0], command.slice(1), { env: { ...environment, ...env } }),
    /**
     * Starts a program with windows and answers them until `expectation` no longer throws. A program that ends before is
     * started again.
     * @throws an error with the output of the program, the titles of its windows and a screenshot
     */
    async runUntil({ command, cwd, env, answers = [] }: WindowProgram, expectation: () => unknown) {
      const output: string[] = []
      const start = (): ChildProcess => {
        const started = spawn(command[0], command.slice(1), {
          cwd,
          env: { ...process.env, ...environment, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
        started.on('exit', (code, signal) => output.push(`[${command[0]} ended: ${code ?? signal}]\n`))
        started.on('error', (error) => output.push(`[${error.message}]\n`))
        return started
      }
      let program = start()
      try {
        await vi.waitFor(
          async () => {
            if (program.exitCode !== null || program.signalCode !== null) program = start()
            await give(answers)
            await expectation()
          },
          { timeout: WAIT_MS, interval: 300 },
        )
      } catch (cause) {
        const seen = [
          `windows: ${(await titles()).join(', ')}`,
          `screenshot: ${screenshot()}`,
          output.join('').slice(-4000),
        ]
        await end(program)
        throw new Error([`${command[0]}: ${(cause as Error).message}`, ...seen].join('\n'), { cause })
      }
      return {
        /** Ends the program, if it has not ended by itself. */
        [Symbol.asyncDispose]: () => end(program),
      }
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null || program.pid === undefined) return
  const ended = once(program, 'exit')
  program.kill()
  const timer = setTimeout(() => program.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
