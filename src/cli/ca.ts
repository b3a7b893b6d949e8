import type { Command } from 'commander'
import { addCreate } from './ca/create.ts'
import { addRequests, addUser } from './ca/issue.ts'
import { addAuthorityLists, addRevoke } from './ca/list.ts'
import { addManage } from './ca/manage.ts'
import { addRenew } from './ca/renew.ts'
import { addServe } from './ca/serve.ts'
import { addTrust } from './ca/trust.ts'

/** Adds `sealpost ca`. */
export function addCa(program: Command): void {
  const ca = program.command('ca').description('manage the certificate authorities of the lab')
  for (const add of [
    addCreate,
    addAuthorityLists,
    addManage,
    addRenew,
    addRequests,
    addRevoke,
    addTrust,
    addUser,
    addServe,
  ])
    add(ca)
}
