import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { NextHop } from '../types.ts'
import { PeerFailure } from './failure.ts'

/** Addresses of one host that are tried. */
const MAX_ADDRESSES = 5

/** Returns the addresses of a host, those of its configuration first. @throws PeerFailure */
export async function hopAddresses({ host, addresses }: NextHop): Promise<readonly string[]> {
  if (addresses && addresses.length > 0) return addresses.slice(0, MAX_ADDRESSES)
  if (isIP(host) !== 0) return [host]
  try {
    const found = await lookup(host, { all: true })
    return found.map(({ address }) => address).slice(0, MAX_ADDRESSES)
  } catch (error) {
    const { message } = error as Error
    throw new PeerFailure(`the address of ${host} cannot be found: ${message}`, { enhancedCode: '4.4.3', cause: error })
  }
}
