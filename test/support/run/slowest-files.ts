import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const SHOWN = 20

/** Prints the files that took the most CPU time, so that growth is seen. Not after runs of a few files. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .map((module) => ({
        file: relative(process.cwd(), module.moduleId),
        ms: durationOf(module),
        cpuMs: module.meta().cpuMs ?? 0,
      }))
      .toSorted((a, b) => b.cpuMs - a.cpuMs)
    appendToList(rows)
    if (rows.length <= SHOWN) return
    const total = rows.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
    const lines = rows.slice(0, SHOWN).map(({ file, ms, cpuMs }) => `${seconds(cpuMs)}${seconds(ms)}  ${file}`)
    const { user, system } = process.cpuUsage()
    console.log(
      [
        `${rows.length} files took ${seconds(total).trim()} of CPU time with the programs that they started, and vitest ${seconds((user + system) / 1000).trim()}.`,
        'Those with the most CPU time:',
        `${'CPU'.padStart(10)}${'duration'.padStart(10)}`,
        ...lines,
        '',
      ].join('\n'),
    )
  }
}

interface Row {
  readonly file: string
  readonly ms: number
  readonly cpuMs: number
}

/** Appends the files of this run to the list of several runs, whose file SEALPOST_FILE_TIMES names. */
function appendToList(rows: readonly Row[]): void {
  const { SEALPOST_FILE_TIMES: list } = process.env
  if (list === undefined) return
  appendFileSync(list, rows.map(({ file, ms, cpuMs }) => `${seconds(cpuMs)}${seconds(ms)}  ${file}\n`).join(''))
}

function durationOf(module: TestModule): number {
  const { setupDuration, collectDuration, duration } = module.diagnostic()
  return setupDuration + collectDuration + duration
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(10)
