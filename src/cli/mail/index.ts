import type { Command } from 'commander'
import { addCheck } from './check.ts'
import { addDelete } from './delete.ts'
import { addList, addSearch } from './list.ts'
import { addRelease } from './release.ts'
import { addReport } from './report.ts'
import { addShow } from './show.ts'
import { addWait } from './wait.ts'

/** Adds `sealpost mail`. */
export function addMail(program: Command): void {
  const mail = program
    .command('mail')
    .description('list, search, show, wait for, check, release, bounce and delete the mail of the running lab')
  for (const add of [addList, addShow, addSearch, addWait, addCheck, addRelease, addReport, addDelete]) add(mail)
}
