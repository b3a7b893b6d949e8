import { BlockList, isIP, isIPv6 } from 'node:net'

/** IP addresses and networks that a key of the configuration lists. IPv4 addresses match in IPv6 form, too (`::ffff:192.0.2.7`). */
export class AddressList {
  readonly #list = new BlockList()

  /** @param listed addresses, and networks as address and prefix length (CIDR) */
  constructor(listed: readonly string[]) {
    for (const text of listed) {
      const [address = '', prefix] = text.split('/')
      if (prefix === undefined) this.#list.addAddress(address, familyOf(address))
      else this.#list.addSubnet(address, Number(prefix), familyOf(address))
    }
  }

  /** Returns whether an address is listed, or in a listed network. No other text is. */
  has(address: string): boolean {
    // A link-local address has a zone: fe80::1%eth0.
    const plain = address.replace(/%.*$/, '')
    return isIP(plain) !== 0 && this.#list.check(plain, familyOf(plain))
  }
}

/** The lists of configurations in use. */
const lists = new WeakMap<readonly string[], AddressList>()

/** Returns the list of a key of the configuration, which is built once; undefined if it is empty. */
export function addressListOf(listed: readonly string[]): AddressList | undefined {
  if (listed.length === 0) return undefined
  const known = lists.get(listed) ?? new AddressList(listed)
  lists.set(listed, known)
  return known
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
