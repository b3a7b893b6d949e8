import type { Command } from 'commander'
import { addCreate } from './ca/create.ts'
import { addList } from './ca/list.ts'
import { addRequests } from './ca/requests.ts'
import { addRevoke } from './ca/revoke.ts'
import { addServe } from './ca/serve.ts'
import { addUser } from './ca/user.ts'

/** `sealpost ca …`: the lab's own certificate authorities. */
export function addCa(program: Command): void {
  const ca = program.command('ca').description("the lab's own certificate authorities")
  for (const add of [addCreate, addList, addRequests, addRevoke, addUser, addServe]) add(ca)
}
