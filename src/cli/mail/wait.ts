import type { Command } from 'commander'
import type { InputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { ApiError, exitStatus } from '../shared/failure.ts'
import { timeLimit } from '../shared/options.ts'
import { noteError, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { messageText } from './show.ts'

type WaitOptions = ApiOptions & InputOf<'wait'>

/** Adds `sealpost mail wait`. */
export function addWait(mail: Command): void {
  withApi(mail.command('wait'))
    .description('wait for a message and show it; exit status 1 if none arrives')
    .option('--to <address>', 'recipient address, or the user name of an account')
    .option('--from <text>', 'part of the sender')
    .option('--subject <text>', 'part of the subject')
    .option('--text <text>', 'part of the text')
    .option('--query <query>', 'a search, as for sealpost mail search')
    .option('--timeout <time>', 'longest wait (default: 30s)', timeLimit)
    .addOption(sharedOptions.json)
    .action(wait)
}

async function wait(options: WaitOptions): Promise<void> {
  const { to, from, subject, text, query, timeout, json } = options
  try {
    const { id } = await callApi(options, 'wait', { to, from, subject, text, query, timeout })
    const message = await callApi(options, 'messages.get', { id })
    print(json ? JSON.stringify(message) : messageText(message))
  } catch (error) {
    if (!(error instanceof ApiError) || !error.problem.type.endsWith('wait-timeout')) throw error
    process.exitCode = exitStatus.failed
    const { report } = error.problem as unknown as { report: string }
    for (const line of `sealpost: ${report}`.split('\n')) noteError(line)
  }
}
