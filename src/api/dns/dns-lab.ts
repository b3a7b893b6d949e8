import { DnsError } from '../../transport/dns/errors.ts'
import type { NameService } from '../../transport/dns/name-service.ts'
import { ZoneTextError } from '../../transport/dns/zone-text/tokens.ts'
import type { Zone } from '../../transport/dns/zones/zone.ts'
import type { Api } from '../api.ts'
import { ApiProblem, notFound } from '../problem.ts'

/** Returns the zones of the lab. @throws ApiProblem `conflict` if its configuration has no DNS */
export function nameServiceOf({ lab }: Api): NameService {
  if (lab.dns.names) return lab.dns.names
  throw new ApiProblem('conflict', 'the lab has no DNS server; add dns: {} to its configuration')
}

/** Returns a zone by its name. @throws ApiProblem `not-found` */
export function zoneNamed({ lab }: Api, name: string): Zone {
  try {
    const found = lab.dns.names?.zone(name)
    if (found) return found
  } catch (error) {
    if (error instanceof DnsError) throw notFound(error.message)
    throw error
  }
  throw notFound(`there is no zone ${name}: the lab has no DNS server`)
}

/** Runs a change. @throws ApiProblem `invalid` for a record or a name that cannot be used */
export function runChange<Result>(change: () => Result): Result {
  try {
    return change()
  } catch (error) {
    if (error instanceof DnsError || error instanceof ZoneTextError) throw new ApiProblem('invalid', error.message)
    throw error
  }
}
