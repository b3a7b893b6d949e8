import { join } from 'node:path'
import { expect } from 'vitest'
import { runProgram } from './run-program.ts'

/** Runs a program in a tmux terminal. Tests wait for text on its screen and press keys. */
export async function startScreen(folder: string, command: readonly string[]) {
  const tmux = (...args: string[]) => runProgram('tmux', ['-S', join(folder, 'tmux'), '-f', '/dev/null', ...args])
  const started = await tmux('new-session', '-d', '-x', '100', '-y', '40', '-s', 'test', ...command)
  if (started.status !== 0) throw new Error(started.stderr)
  return {
    /** Resolves once the text is on the screen. */
    async shows(text: string): Promise<void> {
      const shown = async (): Promise<string> => (await tmux('capture-pane', '-p', '-t', 'test')).stdout
      await expect.poll(shown, { timeout: 20_000, interval: 100 }).toContain(text)
    },
    /** Presses a key by its tmux name: `Enter`, `q`. */
    press: (key: string) => tmux('send-keys', '-t', 'test', key),
    async [Symbol.asyncDispose]() {
      await tmux('kill-server')
    },
  }
}
