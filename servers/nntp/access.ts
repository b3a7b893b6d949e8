import type { VirtualServerConfig } from '../../src/config/schema.ts'
import type { LogonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { Folder } from '../../src/store/types.ts'

/** What a virtual server lets a client do without logging on. */
type ServerAccess = VirtualServerConfig['access']

/** What this client may do now: reading and posting, by server and by group. */
export class Access {
  readonly #known: boolean
  readonly #server: ServerAccess

  constructor(server: ServerAccess, policy: LogonPolicy, account: Account | undefined) {
    this.#known = account !== undefined
    this.#server = policy.anonymous ? server : 'authenticated'
  }

  /** Whether anything can be read. */
  get reads(): boolean {
    return this.#known || this.#server !== 'authenticated'
  }

  /** Whether posting is open at all. */
  get posts(): boolean {
    return this.#known || this.#server === 'anonymous'
  }

  readsGroup(group: Folder): boolean {
    return this.reads && (this.#known || group.newsgroup?.access !== 'authenticated')
  }

  postsTo(group: Folder): boolean {
    return this.posts && (this.#known || group.newsgroup?.access === undefined)
  }
}
