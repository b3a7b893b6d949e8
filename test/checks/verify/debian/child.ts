import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Starts a server that stays in the foreground and waits until its port accepts connections. */
export async function startServer(
  program: string,
  args: readonly string[],
  port: number,
  options: SpawnOptions = {},
  host = '127.0.0.1',
): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: 'ignore', detached: true, ...options })
  for (let tries = 0; ; tries++) {
    if (await answers(host, port)) return child
    if (child.exitCode !== null || tries > 400) throw new Error(`${program} did not start (${child.exitCode})`)
    await pause(25)
  }
}

/** Ends a server and its children, which are their own process group. */
export async function endServer(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  process.kill(-child.pid, signal)
  await exited
}

/** Returns whether a port accepts connections. */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
