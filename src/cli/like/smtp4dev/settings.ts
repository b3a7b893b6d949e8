import type { Setting } from '../tool.ts'
import { generalSettings } from './general.ts'
import { httpSettings } from './http.ts'
import { listenSettings } from './listen.ts'
import { relaySettings } from './relay.ts'
import { tlsSettings } from './tls.ts'
import { userSettings } from './users.ts'

/** Every variable and flag of smtp4dev. Those of users need the HTTP virtual server, and TLS needs the ports. */
export const smtp4devSettings: readonly Setting[] = [
  ...listenSettings,
  ...httpSettings,
  ...tlsSettings,
  ...userSettings,
  ...relaySettings,
  ...generalSettings,
]
