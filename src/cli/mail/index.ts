import type { Command } from 'commander'
import { addBrowse } from './browse.ts'
import { addCheck } from './check.ts'
import { addDelete } from './delete.ts'
import { addList, addSearch } from './list.ts'
import { addRelease } from './release.ts'
import { addReport } from './report.ts'
import { addShow } from './show.ts'
import { addWait } from './wait.ts'

/** Adds `sealpost mail`. */
export function addMail(program: Command): void {
  const mail = program.command('mail')
  for (const add of [addBrowse, addList, addShow, addSearch, addWait, addCheck, addRelease, addReport, addDelete])
    add(mail)
}
