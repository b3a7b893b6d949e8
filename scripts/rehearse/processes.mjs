import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const started = new Set()

/** Starts a program in a process group of its own. `output` collects what it prints. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options })
  child.output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      child.output += text
    })
  }
  child.closed = new Promise((resolve) => child.once('close', resolve)).then(() => started.delete(child))
  child.once('error', (error) => {
    child.output += error.message
  })
  started.add(child)
  return child
}

/** Ends a program with everything that it has started. */
export async function end(child) {
  for (const [signal, ms] of [
    ['SIGINT', 15_000],
    ['SIGKILL', 15_000],
  ]) {
    if (!started.has(child)) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group has ended.
    }
    await Promise.race([child.closed, sleep(ms, undefined, { ref: false })])
  }
}

export const endAll = () => Promise.all([...started].map(end))

/** Returns a port of 127.0.0.1 that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const opens = (port) =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const finish = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => finish(true)).once('error', () => finish(false))
  })

/** Returns a number that makes all of these ports free when it is added. */
export async function freeOffset(ports) {
  for (let offset = 20_000 + Math.floor(Math.random() * 5_000); ; offset += 100) {
    const taken = await Promise.all(ports.map((port) => opens(port + offset)))
    if (!taken.includes(true)) return offset
  }
}

/** Waits until a function returns something. @throws Error with what the program has printed if it ends before, or after ten minutes */
export async function until(what, child, ask, everyMs = 50) {
  for (const end = Date.now() + 600_000; Date.now() < end; await sleep(everyMs)) {
    const answer = await ask().catch(() => undefined)
    if (answer) return answer
    if (!started.has(child)) throw new Error(`${what}: the program has ended:\n${child.output}`)
  }
  throw new Error(`${what}: nothing after ten minutes:\n${child.output}`)
}

export const answers = (port, child, what) => until(what, child, () => opens(port))
