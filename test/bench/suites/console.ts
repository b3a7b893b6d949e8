import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { arrivals } from '../console/arrivals.ts'
import { browserVersion, openBrowser } from '../console/browser.ts'
import { firstScreens } from '../console/first-screen.ts'
import { type Memory, memory } from '../console/memory.ts'
import { type Scrolling, scrolling } from '../console/scrolling.ts'
import { median } from '../frame/measure.ts'
import { forkServer } from '../frame/processes.ts'
import type { TableSuite, Target } from '../frame/types.ts'

const FIRST_SCREEN_MESSAGES = 10_000
const SCROLLED_MESSAGES = 100_000
const ARRIVALS = 50
const MEMORY_AT = [1_000, 5_000, 10_000]

type Row = Record<string, string>

const ms = (value: number): string => `${value.toFixed(0)} ms`
const kilobytes = (octets: number): string => `${(octets / 1024).toFixed(1)} KB`
const megabytes = (octets: number): string => `${(octets / 1e6).toFixed(1)} MB`
const plain = (value: number): string => `${value}`

/** A row of what was measured several times. */
const row = (what: string, goal: string, values: readonly number[], format: (value: number) => string): Row => ({
  what,
  goal,
  median: format(median(values)),
  least: format(Math.min(...values)),
})

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] as number

/** Runs `measure` with a lab of its own. */
async function withLab(settings: object, measure: (target: Target) => Promise<Row[]>): Promise<Row[]> {
  const target = await forkServer('console-lab', { count: 0, short: false, store: 'memory', ...settings })
  try {
    return await measure(target)
  } finally {
    await target.stop()
  }
}

type Part = (browser: Browser, rounds: number) => Promise<Row[]>

const firstScreen: Part = (browser, rounds) =>
  withLab({ count: FIRST_SCREEN_MESSAGES }, async (target) => {
    const { cold, warm } = await firstScreens(browser, target, rounds)
    const of = (key: keyof (typeof cold)[number], list = cold): number[] => list.map((one) => one[key])
    return [
      row('first screen, 10,000 messages: first rows', '', of('rowsMs'), ms),
      row('first screen: a key opens a message', '1,000 ms', of('interactiveMs'), ms),
      row('the same, files in the cache of the browser', '1,000 ms', of('interactiveMs', warm), ms),
      row('first screen: requests', '', of('requests'), plain),
      row('first screen: console, gzip', '120 KB', of('consoleOctets'), kilobytes),
      row('first screen: answers of the API', '', of('apiOctets'), kilobytes),
    ]
  })

const arrival: Part = (browser, rounds) =>
  withLab({ count: FIRST_SCREEN_MESSAGES }, async (target) => {
    const times: number[][] = []
    for (let round = 0; round < rounds; round++) times.push(await arrivals(browser, target, ARRIVALS))
    return [
      row(`250 until the row is drawn, ${ARRIVALS} messages: median`, '200 ms', times.map(median), ms),
      row(
        '250 until the row is drawn: p95',
        '200 ms',
        times.map((one) => percentile(one, 0.95)),
        ms,
      ),
    ]
  })

const scrolled: Part = (browser, rounds) =>
  withLab({ count: SCROLLED_MESSAGES, short: true }, async (target) => {
    const runs: Scrolling[] = []
    for (let round = 0; round < rounds; round++) runs.push(await scrolling(browser, target))
    const of = (key: keyof (typeof runs)[number]): number[] => runs.map((one) => one[key])
    return [
      row('scrolling 100,000 messages: longest task', '50 ms', of('longestMs'), ms),
      row('scrolling: longest task, CPU time', '50 ms', of('longestCpuMs'), ms),
      row('scrolling: tasks over 50 ms', '0', of('longTasks'), plain),
      row('end of a drag over the list until its rows are there', '', of('loadedMs'), ms),
      row('scrolling: requests for rows', '', of('requests'), plain),
    ]
  })

const arriving: Part = async (browser) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  try {
    return await withLab({ store: { lmdb: join(folder, 'data') } }, async (target) => {
      const found = await memory(browser, target, MEMORY_AT)
      const flat = (what: string, goal: string, key: keyof Memory, format: (value: number) => string): Row => ({
        what: `after ${MEMORY_AT.map((one) => one.toLocaleString('en')).join(', ')} arrivals: ${what}`,
        goal,
        median: found.map((one) => format(one[key])).join(', '),
      })
      return [
        flat('heap of the page', 'flat', 'heapOctets', megabytes),
        flat('its nodes', 'flat', 'nodes', plain),
        flat('its listeners', 'flat', 'listeners', plain),
        flat('heap of the lab', '', 'serverHeapOctets', megabytes),
        flat('resident memory of the lab', '', 'serverResidentOctets', megabytes),
      ]
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const parts: Readonly<Record<string, Part>> = {
  'first screen': firstScreen,
  arrival,
  scrolling: scrolled,
  memory: arriving,
}

export const suite: TableSuite = {
  kind: 'table',
  title: 'Console',
  program: browserVersion,
  async measure({ rounds, only = '' }) {
    const rows: Row[] = []
    for (const [name, part] of Object.entries(parts)) {
      if (!name.includes(only)) continue
      console.error(`  ${name}`)
      const browser = await openBrowser()
      try {
        rows.push(...(await part(browser, rounds)))
      } finally {
        await browser.close()
      }
    }
    return rows
  },
}
