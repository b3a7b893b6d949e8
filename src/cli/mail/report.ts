import type { Command } from 'commander'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { messageIds } from './message-ids.ts'

/** Adds `sealpost mail report`. */
export function addReport(mail: Command): void {
  withApi(mail.command('report'))
    .argument('<id>', 'id of a message, or latest')
    .argument('<report>', 'bounce+550, bounce+5.1.1.postfix.30s, complaint+abuse, vacation+reply …')
    .description('send a bounce, a spam complaint or an out-of-office reply to the sender of a message')
    .addOption(sharedOptions.json)
    .action(report)
}

async function report(given: string, wanted: string, options: ApiOptions): Promise<void> {
  const [id = given] = await messageIds(options, [given])
  const answer = await callApi(options, 'messages.report', { id, report: wanted })
  print(options.json ? JSON.stringify(answer) : `${wanted} goes to ${answer.from} at ${answer.dueAt}`)
}
