import type { Command } from 'commander'
import { asJson, summary, transcript } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { callLab } from '../../lab/control/client.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { noteWarning, print } from '../shared/output.ts'
import { runningLabs } from '../shared/running-labs.ts'

interface SessionsOptions extends ConfigurationOptions {
  readonly follow?: boolean
  readonly failed?: boolean
}

/** Adds `sealpost sessions`. */
export function addSessions(program: Command): void {
  withConfig(program.command('sessions'))
    .argument('[id]', 'show the transcript of this session')
    .description('show who connected to the running lab, how, and why something was refused')
    .option('-f, --follow', 'keep running and print a line for each session of this node that ends')
    .option('--failed', 'only sessions with a refused command or an error')
    .option('--json', 'print JSON lines with transcripts')
    .action(sessions)
}

async function sessions(id: string | undefined, options: SessionsOptions): Promise<void> {
  const { follow = false, failed = false, json = false } = options
  let found = 0
  for (const socket of await runningLabs(options)) {
    for await (const item of callLab(socket, { verb: 'sessions', args: { follow, failed, id } })) {
      if ('missing' in (item as object)) {
        noteWarning(`the node ${(item as { missing: string }).missing} did not answer; its sessions are missing`)
        continue
      }
      const record = item as SessionRecord
      found++
      if (json) print(JSON.stringify(asJson(record)))
      else if (id === undefined) print(summary(record))
      else for (const line of transcript(record)) print(line)
    }
  }
  if (id !== undefined && found === 0)
    throw new Error(`there is no session ${id}; sealpost sessions lists all sessions`)
}
