import type { Command } from 'commander'
import { addCreate } from './ca/create.ts'
import { addRequests, addUser } from './ca/issue.ts'
import { addList, addRevoke } from './ca/list.ts'
import { addServe } from './ca/serve.ts'

/** `sealpost ca …`: the lab's own certificate authorities. */
export function addCa(program: Command): void {
  const ca = program.command('ca').description("the lab's own certificate authorities")
  for (const add of [addCreate, addList, addRequests, addRevoke, addUser, addServe]) add(ca)
}
