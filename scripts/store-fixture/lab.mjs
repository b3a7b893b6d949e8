// Runs the built program in a folder with the files of a fixture.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** Variables of the caller must not change the lab. */
const environment = (folder) => {
  const others = Object.entries(process.env).filter(([name]) => !/^(SEALPOST|npm)_/.test(name))
  return { ...Object.fromEntries(others), TMPDIR: folder, XDG_RUNTIME_DIR: '' }
}

/** Runs a command on the configuration of the folder, and returns what it prints. */
export function sealpost(folder, ...args) {
  const command = [main, ...args, '--config', 'lab.yaml']
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: folder,
    encoding: 'utf8',
    env: environment(folder),
  })
  if (status !== 0) throw new Error(`sealpost ${args.join(' ')} failed:\n${stderr}`)
  return stdout
}

/** Runs a command with --json. */
export const sealpostJson = (folder, ...args) => JSON.parse(sealpost(folder, ...args, '--json'))

/** Starts the lab, calls `work` with the port of each protocol, and stops the lab. */
export async function withLab(folder, work) {
  const options = { cwd: folder, env: environment(folder), stdio: ['ignore', 'pipe', 'pipe'] }
  const child = spawn(process.execPath, [main, 'start', '--json', '--config', 'lab.yaml'], options)
  const log = []
  child.stderr.setEncoding('utf8').on('data', (text) => log.push(text))
  const ended = once(child, 'close')
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, endpoints } = JSON.parse(line)
      if (event !== 'ready') continue
      return await work(Object.fromEntries(endpoints.map(({ protocol, port }) => [protocol, port])))
    }
    throw new Error(`the lab did not start:\n${log.join('')}`)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}
