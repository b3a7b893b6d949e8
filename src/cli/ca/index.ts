import type { Command } from 'commander'
import { addCreate } from './create.ts'
import { addRequests, addUser } from './issue.ts'
import { addAuthorityLists, addRevoke } from './list.ts'
import { addManage } from './manage.ts'
import { addMark } from './mark.ts'
import { addRenew } from './renew.ts'
import { addServe } from './serve.ts'
import { addTrust } from './trust.ts'

/** Adds `sealpost ca`. */
export function addCa(program: Command): void {
  const ca = program.command('ca')
  for (const add of [
    addCreate,
    addAuthorityLists,
    addManage,
    addMark,
    addRenew,
    addRequests,
    addRevoke,
    addTrust,
    addUser,
    addServe,
  ])
    add(ca)
}
