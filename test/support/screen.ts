import { join } from 'node:path'
import { expect } from 'vitest'
import { runProgram } from './run-program.ts'

/** A program in a terminal of its own (tmux): what it shows, and keys pressed in it. */
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
    /** A key as tmux calls it: `Enter`, `q`. */
    press: (key: string) => tmux('send-keys', '-t', 'test', key),
    async [Symbol.asyncDispose]() {
      await tmux('kill-server')
    },
  }
}
