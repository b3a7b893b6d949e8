import type { Command } from 'commander'
import { LabRefusal, type McpLab, type ProblemDocument } from '../../api/mcp/lab.ts'
import { loadSdk, loadStdioSdk } from '../../api/mcp/sdk.ts'
import { createMcpServer } from '../../api/mcp/server.ts'
import { type ApiOptions, callNamed, withApi } from '../shared/api-client.ts'
import { configurationIdentity } from '../shared/configuration.ts'
import { ApiError, UsageError } from '../shared/failure.ts'
import { noteError } from '../shared/output.ts'
import { controlSockets } from '../shared/running-labs.ts'
import type { RunningLab } from '../start/run-lab.ts'

interface McpOptions extends ApiOptions {
  readonly start?: boolean
}

/** Adds `sealpost mcp`. */
export function addMcp(program: Command): void {
  withApi(program.command('mcp'))
    .option('--start', 'start the lab of the configuration if it is not running, until the agent disconnects')
    .action(serve)
}

/** Serves one agent until it closes standard input, or a signal ends the process. */
async function serve(options: McpOptions): Promise<void> {
  if (options.start && options.url !== undefined) throw new UsageError('give --start or --url, not both')
  const [sdk, { serveStdio }] = await Promise.all([loadSdk(), loadStdioSdk()])
  const own = new OwnLab(options)
  await own.ensure()
  const disconnected = new Promise<void>((resolve) => process.stdin.once('close', resolve).once('end', resolve))
  const handle = serveStdio(async () => createMcpServer(sdk, await labOf(options, own)), {
    onerror: ({ message }) => noteError(`sealpost: mcp: ${message}`),
  })
  await Promise.race([disconnected, own.stopped])
  await handle.close()
  await own.stop()
}

async function labOf(options: McpOptions, own: OwnLab): Promise<McpLab> {
  const call: McpLab['call'] = async (name, input, signal) => {
    await own.ensure()
    try {
      return await callNamed(options, name, input, signal)
    } catch (error) {
      throw error instanceof ApiError ? new LabRefusal(error.problem as unknown as ProblemDocument) : error
    }
  }
  return { caller: { role: await roleOf(options, call) }, call }
}

/** Returns the role of the token, which decides the tools that are listed. The lab decides each call. */
async function roleOf({ url }: McpOptions, call: McpLab['call']): Promise<McpLab['caller']['role']> {
  if (url === undefined) return 'administrator'
  try {
    const { role } = (await call('status.get', {}, new AbortController().signal)) as { role: McpLab['caller']['role'] }
    return role
  } catch {
    // Each call will say what is wrong, and it can be repaired while the agent runs.
    return 'administrator'
  }
}

/** The lab that `--start` runs in this process while no other lab of the configuration runs. */
class OwnLab {
  readonly #options: McpOptions
  #starting: Promise<RunningLab> | undefined
  #onStopped: (ended: Promise<void>) => void = () => {}
  /** Resolves when a signal has stopped the lab. Rejects if it does not stop. */
  readonly stopped = new Promise<void>((resolve) => {
    this.#onStopped = resolve
  })

  constructor(options: McpOptions) {
    this.#options = options
  }

  /** Starts the lab if it must. @throws what prevents the start */
  async ensure(): Promise<void> {
    if (!this.#options.start) return
    if (!this.#starting && (await controlSockets(configurationIdentity(this.#options).identity)).length > 0) return
    this.#starting ??= this.#start()
    await this.#starting
  }

  async stop(): Promise<void> {
    if (!this.#starting) return
    const running = await this.#starting
    running.stop()
    await this.stopped
  }

  async #start(): Promise<RunningLab> {
    try {
      const { openLab } = await import('../start/run-lab.ts')
      const { running } = await openLab(this.#options)
      this.#onStopped(running.untilStopped())
      return running
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }
}
