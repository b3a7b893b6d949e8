import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { startCommand } from '../contenders/command.ts'
import { installMailDev } from '../contenders/smtp-peers.ts'
import { median } from '../frame/measure.ts'
import { forkServer, freePort } from '../frame/processes.ts'
import type { TableSuite } from '../frame/types.ts'

/** Returns the milliseconds from the start of a process to the first greeting on `port`. */
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

/** Measures the whole command with four protocols and TLS. `kept` reuses the certificates of an earlier start. */
async function sealpost(rounds: number, kept: boolean): Promise<string> {
  const { args, port, remove } = await startCommand(kept)
  try {
    if (kept) await untilGreeting(args, port)
    return await repeated(rounds, () => untilGreeting(args, port))
  } finally {
    remove()
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
