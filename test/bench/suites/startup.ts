import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { startCommand } from '../contenders/command.ts'
import { installMailDev } from '../contenders/smtp-peers.ts'
import { median } from '../frame/measure.ts'
import { ProcessTree } from '../frame/proc.ts'
import { forkServer, freePort } from '../frame/processes.ts'
import type { TableSuite } from '../frame/types.ts'

/** The cost of a start. */
interface Cost {
  readonly ms?: number
  readonly cpuMs?: number
}

/** One row of the table. All rows take turns, so that they see the same machine. */
interface Subject {
  readonly what: string
  once(): Promise<Cost>
}

/** Measures a process until `port` is open, or sends its greeting. */
async function untilOpen(args: readonly string[], port: number, greets = true): Promise<Cost> {
  const before = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const tree = new ProcessTree(child.pid as number)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  while (!(await answers(port, greets ? 'data' : 'connect'))) await wait(2)
  const cost = { ms: performance.now() - before, cpuMs: tree.cpuSeconds() * 1000 }
  tree.stop()
  child.kill('SIGTERM')
  await ended
  return cost
}

function answers(port: number, event: 'connect' | 'data'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once(event, () => {
      socket.destroy()
      resolve(true)
    })
  })
}

const library = new URL('../../../../dist/src/testing/index.js', import.meta.url).href

/** Measures a process that imports a module and ends. An empty name imports none. */
async function importing(module: string): Promise<Cost> {
  const text = `${module && `await import('${module}');`}
    const { user, system } = process.cpuUsage(); process.stdout.write(String((user + system) / 1000))`
  const before = performance.now()
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  return { ms: performance.now() - before, cpuMs: Number(output) }
}

async function lab(): Promise<{ readonly first: Cost; readonly further: Cost }> {
  const target = await forkServer('start-lab', { library })
  await target.stop()
  const [ms, cpuMs] = String(target.note).split(' ').map(Number)
  return { first: { ms: ms as number }, further: { cpuMs: cpuMs as number } }
}

/** smtp-server waits 100 ms before its greeting, so its open port counts. */
async function smtpServer(): Promise<Cost> {
  const port = await freePort()
  const text = `import { SMTPServer } from 'smtp-server'
    const server = new SMTPServer({ disabledCommands: ['STARTTLS'] }).listen(${port}, '127.0.0.1')
    process.on('SIGTERM', () => process.exit())`
  return untilOpen(['--input-type=module', '--eval', text], port, false)
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Start',
  async measure({ rounds, peer }) {
    const [first, kept] = [await startCommand(false), await startCommand(true)]
    const wants = (name: string): boolean => peer === undefined || name.includes(peer)
    const mailDev = wants('maildev') ? installMailDev() : undefined
    const subjects: Subject[] = [
      { what: 'Node.js alone', once: () => importing('') },
      { what: "`import 'sealpost'`", once: () => importing(library) },
      { what: 'import and `startLab()`, to the first greeting', once: async () => (await lab()).first },
      { what: 'a further `startLab()` in the same process', once: async () => (await lab()).further },
      { what: '`sealpost start`, first time, to the first greeting', once: () => untilOpen(first.args, first.port) },
      { what: '`sealpost start`, certificates kept', once: () => untilOpen(kept.args, kept.port) },
      ...(wants('smtp-server')
        ? [
            { what: "`import 'smtp-server'`", once: () => importing('smtp-server') },
            { what: 'smtp-server, to its open port', once: smtpServer },
          ]
        : []),
      ...(mailDev ? [{ what: 'maildev 3, to the first greeting', once: () => maildevStart(mailDev) }] : []),
    ]
    try {
      const costs = new Map<Subject, Cost[]>(subjects.map((subject) => [subject, []]))
      // The first round is a warm-up.
      for (let round = 0; round <= rounds; round++) {
        for (const [subject, found] of costs) {
          const cost = await subject.once()
          if (round > 0) found.push(cost)
        }
      }
      return [...costs].map(([{ what }, found]) => ({
        what,
        median: shown(found.flatMap(({ ms }) => ms ?? [])),
        'CPU time': shown(found.flatMap(({ cpuMs }) => cpuMs ?? [])),
      }))
    } finally {
      for (const { remove } of [first, kept]) remove()
      mailDev?.remove()
    }
  },
}

async function maildevStart({ command }: ReturnType<typeof installMailDev>): Promise<Cost> {
  const port = await freePort()
  return untilOpen(command(port, await freePort()), port)
}

const shown = (times: readonly number[]): string => (times.length === 0 ? '' : `${median(times).toFixed(0)} ms`)
