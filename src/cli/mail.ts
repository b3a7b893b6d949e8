import type { Command } from 'commander'
import { addDelete } from './mail/delete.ts'
import { addList, addSearch } from './mail/list.ts'
import { addRelease } from './mail/release.ts'
import { addReport } from './mail/report.ts'
import { addShow } from './mail/show.ts'
import { addWait } from './mail/wait.ts'

/** Adds `sealpost mail`. */
export function addMail(program: Command): void {
  const mail = program
    .command('mail')
    .description('list, search, show, wait for, release, bounce and delete the mail of the running lab')
  for (const add of [addList, addShow, addSearch, addWait, addRelease, addReport, addDelete]) add(mail)
}
