import { spawn } from 'node:child_process'
import type { DialogStep } from './dialogs.ts'

const TIMEOUT_MS = 20_000

/**
 * Runs a dialog with a server through a program that connects standard input and output to it after the handshake.
 * @returns `ok`, or `failed` with the program's output
 */
export function runDialog(program: string, args: readonly string[], steps: readonly DialogStep[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const left = [...steps]
    let got = ''
    let output = ''
    const proceed = (): void => {
      for (let step = left[0]; step !== undefined; step = left[0]) {
        const text = step.slice(1)
        if (step[0] === 'E') {
          const at = got.indexOf(text)
          const end = at === -1 ? -1 : got.indexOf('\n', at + text.length - 1)
          if (end === -1) return
          got = got.slice(end + 1)
        } else child.stdin.write(text)
        left.shift()
      }
      child.stdin.end()
      child.kill()
    }
    const timer = setTimeout(() => child.kill(), TIMEOUT_MS)
    child.stdin.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
      output += chunk.toString('latin1')
      proceed()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1')
    })
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      resolve(left.length === 0 ? 'ok' : `failed ${output.replaceAll(/\s+/g, ' ').slice(-300)}`)
    })
    proceed()
  })
}
