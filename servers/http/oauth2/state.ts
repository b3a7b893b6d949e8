import { randomBytes } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { readOrCreate } from '../../../src/tls/pki/certificate-store/files.ts'
import { Storage } from './storage.ts'

/** The memory of a lab's authorization server. All HTTP virtual servers of the lab share it, on all nodes. */
export interface ServerState {
  readonly storage: Storage
  /** Signs the cookies. */
  readonly cookieKey: string
}

/** Where the key is, in the certificate store. */
const COOKIE_KEY = 'oauth2/cookies.key'

const storages = new WeakMap<Api, Storage>()

/** Returns the state of a lab. `lab.reset` clears it. @throws PkiError `store` */
export async function stateOf(api: Api): Promise<ServerState> {
  const { files } = api.lab.certificateStore
  const cookieKey = await readOrCreate(files, COOKIE_KEY, () => randomBytes(32).toString('base64url'))
  const known = storages.get(api)
  if (known) return { storage: known, cookieKey }
  const storage = new Storage(files, api.lab.clock)
  storages.set(api, storage)
  api.onReset(() => storage.clear())
  return { storage, cookieKey }
}
