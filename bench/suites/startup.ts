import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { installMailDev } from '../contenders/smtp-peers.ts'
import { median } from '../frame/measure.ts'
import { forkServer, freePort } from '../frame/processes.ts'
import type { TableSuite } from '../frame/types.ts'

const program = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

/** Milliseconds from the start of a process to the first greeting on `port`. */
async function untilGreeting(args: readonly string[], port: number): Promise<number> {
  const before = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  while (!(await greets(port))) await wait(2)
  const ms = performance.now() - before
  child.kill('SIGTERM')
  await ended
  return ms
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

async function repeated(rounds: number, once: () => Promise<number>): Promise<string> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await once())
  return `${median(times).toFixed(0)} ms`
}

/** The whole command, four protocols with TLS; `kept` certificates are those of an earlier start. */
async function sealpost(rounds: number, kept: boolean): Promise<string> {
  if (!existsSync(program)) throw new Error('npm run build first')
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  const port = await freePort()
  const file = join(folder, 'lab.yaml')
  const others = ['pop3', 'imap4', 'nntp'].map((protocol) => `  - { protocol: ${protocol}, port: 0, tlsPort: 0 }\n`)
  const certificates = kept ? join(folder, 'certs') : 'memory'
  const accounts = 'directory: { accounts: [{ user: alice, password: secret }] }\n'
  writeFileSync(
    file,
    `certificates: ${certificates}\n${accounts}virtualServers:\n  - { protocol: smtp, port: ${port} }\n${others.join('')}`,
  )
  const start = (): Promise<number> => untilGreeting([program, 'start', '--config', file, '--log-level', 'error'], port)
  try {
    if (kept) await start()
    return await repeated(rounds, start)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startLabInside(rounds: number): Promise<string> {
  return repeated(rounds, async () => {
    const target = await forkServer('start-lab')
    await target.stop()
    return Number(target.note)
  })
}

async function mailDev(rounds: number): Promise<string> {
  const { command, remove } = installMailDev()
  try {
    return await repeated(rounds, async () => {
      const port = await freePort()
      return untilGreeting(command(port, await freePort()), port)
    })
  } finally {
    remove()
  }
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Start',
  async measure({ rounds, peer }) {
    const row = (what: string, time: string): Record<string, string> => ({ what, median: time })
    const rows = [
      row('startLab(), imported already, to the first greeting', await startLabInside(rounds)),
      row('sealpost start, first time, to the first greeting', await sealpost(rounds, false)),
      row('sealpost start, certificates kept, to the first greeting', await sealpost(rounds, true)),
    ]
    return peer === 'none' ? rows : [...rows, row('maildev 3, to the first greeting', await mailDev(rounds))]
  },
}
