import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const SHOWN = 20

/** Prints the files that took longest, so that growth is seen. Not after runs of a few files. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length <= SHOWN) return
    const rows = modules
      .map((module) => ({ file: relative(process.cwd(), module.moduleId), ms: durationOf(module) }))
      .toSorted((a, b) => b.ms - a.ms)
    const total = rows.reduce((sum, { ms }) => sum + ms, 0)
    const lines = rows.slice(0, SHOWN).map(({ file, ms }) => `${seconds(ms).padStart(8)}  ${file}`)
    console.log(`The slowest of ${rows.length} files, which took ${seconds(total)} together:\n${lines.join('\n')}\n`)
  }
}

function durationOf(module: TestModule): number {
  const { setupDuration, collectDuration, duration } = module.diagnostic()
  return setupDuration + collectDuration + duration
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
