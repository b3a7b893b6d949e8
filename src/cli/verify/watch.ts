import { changeLine, changesBetween, type EndpointReport, summarize } from '../../checks/verify/index.ts'
import { exitStatus, explain } from '../shared/failure.ts'
import { noteError } from '../shared/output.ts'
import { printJson, printLine, printReport, printVerdict } from './output.ts'

const INTERVAL_MS = 60_000

interface WatchOptions {
  readonly verbose?: boolean
  readonly json?: boolean
  /** Milliseconds. */
  readonly interval?: number
}

/**
 * Runs the checks again and again until SIGINT or SIGTERM. Prints the first report, and then only what changes. Sets the
 * exit status by the last report.
 */
export async function watch(run: () => Promise<readonly EndpointReport[]>, options: WatchOptions): Promise<void> {
  const stopped = untilSignal()
  let last: readonly EndpointReport[] | undefined
  for (;;) {
    const reports = await Promise.race([attempt(run, last === undefined), stopped])
    if (reports === 'stopped') break
    if (reports) {
      printRound(reports, last, options)
      last = reports
    }
    if ((await Promise.race([pauseMs(options.interval ?? INTERVAL_MS), stopped])) === 'stopped') break
  }
  // Ends the connections of a run that is not finished.
  process.exit(last && summarize(last).ok ? exitStatus.done : exitStatus.failed)
}

/** Runs the checks. After the first run, a mistake (such as in an edited configuration) is printed and does not end the watch. */
async function attempt(
  run: () => Promise<readonly EndpointReport[]>,
  isFirst: boolean,
): Promise<readonly EndpointReport[] | undefined> {
  try {
    return await run()
  } catch (error) {
    if (isFirst) throw error
    for (const line of explain(error).lines) noteError(line)
    return undefined
  }
}

function printRound(
  reports: readonly EndpointReport[],
  last: readonly EndpointReport[] | undefined,
  options: WatchOptions,
): void {
  const changes = last === undefined ? undefined : changesBetween(last, reports)
  const at = new Date().toISOString()
  if (changes?.length === 0) return
  if (options.json) return printJson(reports, { at, ...(changes ? { changes: changes.map(changeJson) } : {}) })
  if (!changes) return printReport(reports, options)
  for (const change of changes) printLine(changeLine(change), `${at}  `)
  printVerdict(reports, `${at}  `)
}

const changeJson = ({
  endpoint: { title, port },
  before,
  after,
}: ReturnType<typeof changesBetween>[number]): object => ({
  name: title,
  port,
  check: (after ?? before)?.check,
  before,
  after,
})

const untilSignal = (): Promise<'stopped'> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('stopped'))
  })

const pauseMs = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
