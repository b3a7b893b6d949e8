/** The host of each URL that was connected to last. It is tried first. */
const latest = new Map<string, string>()

/**
 * Returns the URLs of the hosts that a URL lists, such as `postgres://lab@one:5432,two:5432/sealpost` (a primary server and
 * its replicas), in the order in which they are tried.
 */
export function databaseAddresses(url: string): string[] {
  const [, start = '', hosts = '', rest = ''] = /^([a-z]+:\/\/(?:[^/?]*@)?)([^/?]*)(.*)$/.exec(url) ?? []
  const all = hosts.includes(',') ? hosts.split(',').map((host) => `${start}${host}${rest}`) : [url]
  const first = latest.get(url)
  return first === undefined ? all : [first, ...all.filter((one) => one !== first)]
}

/** Remembers which of the addresses of a URL is the server. */
export function remember(url: string, address: string): void {
  if (url !== address) latest.set(url, address)
}

/** Returns host, port and database of a URL, or of each host that it lists. The user and the password are not shown. */
export const serverOf = (url: string): string => databaseAddresses(url).map(oneServer).join(', ')

function oneServer(url: string): string {
  if (!URL.canParse(url)) return 'the given address'
  const { host, pathname } = new URL(url)
  return `${host || 'localhost'}${pathname === '/' ? '' : pathname}`
}
