import { chain, dates, key, names, purposes } from './certificate.ts'
import { logOn, mechanisms, secureChannel, stripping } from './channel.ts'
import type { Check } from './check.ts'
import { negotiated, suitesAccepted, versionsAccepted } from './negotiated.ts'
import { greeting, reachable, tls } from './reach.ts'
import { revocation } from './revocation.ts'
import { injection, second, state } from './starttls.ts'

/** Every check of one endpoint, in the order of the report. */
export const checks: readonly Check[] = [
  reachable,
  greeting,
  tls,
  negotiated,
  chain,
  names,
  dates,
  key,
  purposes,
  revocation,
  versionsAccepted,
  suitesAccepted,
  secureChannel,
  logOn,
  mechanisms,
  injection,
  stripping,
  state,
  second,
]
