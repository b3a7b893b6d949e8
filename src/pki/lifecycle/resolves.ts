import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Finds the addresses of a name; empty where it has none. */
export type Resolver = (name: string) => Promise<readonly string[]>

/** As the system finds them, its hosts file included. */
export const systemResolver: Resolver = async (name) => {
  const timeout = new Promise<never[]>((done) => setTimeout(done, 3000, []).unref())
  const found = lookup(name, { all: true }).then(
    (all) => all.map(({ address }) => address),
    () => [],
  )
  return Promise.race([found, timeout])
}

const everywhere = new Set(['0.0.0.0', '::'])

function ownAddresses(address: string): Set<string> {
  if (address === 'localhost') return new Set(['127.0.0.1', '::1'])
  if (!everywhere.has(address)) return new Set([address])
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address)))
}

/**
 * Why clients that use this common name may not reach the virtual server; undefined where they do.
 * @param address what the virtual server listens on
 */
export async function commonNameProblem(
  name: string,
  address: string,
  resolver: Resolver,
): Promise<string | undefined> {
  if (name.startsWith('*.')) return undefined
  const found = isIP(name) ? [name] : await resolver(name)
  if (found.length === 0)
    return `the common name ${name} does not resolve to any address: clients cannot reach the virtual server by it`
  const own = ownAddresses(address)
  if (found.some((one) => own.has(one))) return undefined
  return `the common name ${name} resolves to ${found.join(', ')}, but the virtual server listens on ${address}`
}
