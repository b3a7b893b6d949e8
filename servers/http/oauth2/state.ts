import { randomBytes } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { Storage } from './storage.ts'

/** What the authorization server of a lab remembers. All HTTP virtual servers of the lab share it. */
export interface ServerState {
  readonly storage: Storage
  /** Signs the cookies. */
  readonly cookieKey: string
}

const states = new WeakMap<Api, ServerState>()

/** Returns the state of a lab. `lab.reset` clears it. */
export function stateOf(api: Api): ServerState {
  const known = states.get(api)
  if (known) return known
  const storage = new Storage(api.lab.clock)
  const made = { storage, cookieKey: randomBytes(32).toString('base64url') }
  states.set(api, made)
  api.onReset(() => storage.clear())
  return made
}
