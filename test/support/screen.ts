import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { runProgram } from './run-program.ts'

let count = 0

/** Runs a program in a tmux terminal. Tests wait for text on its screen and press keys. */
export async function startScreen(folder: string, command: readonly string[]) {
  const socket = join(folder, `tmux-${++count}`)
  const tmux = (...args: string[]) => runProgram('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args])
  const started = await tmux('new-session', '-d', '-x', '100', '-y', '40', '-s', 'test', ...command)
  if (started.status !== 0) throw new Error(started.stderr)
  const text = async (): Promise<string> =>
    Buffer.from((await tmux('capture-pane', '-p', '-t', 'test')).stdout, 'latin1').toString()
  return {
    /** Returns what is on the screen. */
    text,
    /** Resolves once the text is on the screen. */
    async shows(expected: string): Promise<void> {
      const isShown = async (): Promise<void> => expect(await text()).toContain(expected)
      await vi.waitFor(isShown, { timeout: 60_000, interval: 100 })
    },
    /** Presses keys by their tmux names, `Enter`, `q`, or types a text. */
    press: (...keys: string[]) => tmux('send-keys', '-t', 'test', ...keys),
    async [Symbol.asyncDispose]() {
      await tmux('kill-server')
    },
  }
}
