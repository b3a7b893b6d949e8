import { isIP } from 'node:net'
import type { VirtualServerInput } from '../../config/schema.ts'

/** Returns whether a switch is on. Other values are off, as in most tools. */
export const isOn = (value: string | undefined): boolean => /^(?:1|t|true|yes|on)$/i.test(value ?? '')

/** Returns a whole number from `least`. @throws Error */
export function numberOf(value: string, least = 0): number {
  if (/^\d{1,15}$/.test(value) && Number(value) >= least) return Number(value)
  throw new Error(`"${value}" is not a number; write a whole number from ${least}`)
}

/** Sets the address and the port of a virtual server to `HOST:PORT`. @throws Error */
export function listenAt(server: VirtualServerInput, value: string): void {
  const [, host = '', port = ''] = /^(?:\[?([^[\]]*)\]?)?:(\d{1,5})$/.exec(value) ?? []
  if (port === '' || Number(port) > 65_535) {
    throw new Error(`"${value}" is not an address with a port; write it as 127.0.0.1:${server.port}`)
  }
  if (host !== '' && host !== 'localhost' && isIP(host) === 0) {
    throw new Error(`"${host}" is not an IP address; write an address of this machine, or 0.0.0.0 for all`)
  }
  Object.assign(server, { address: host === '' ? '0.0.0.0' : host, port: Number(port) })
}

/** Returns the accounts in `USER:PASSWORD USER:PASSWORD`. @throws Error */
export function credentialsIn(value: string): { readonly user: string; readonly password: string }[] {
  return value
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const [, user = '', password = ''] = /^([^:]+):(.+)$/s.exec(word) ?? []
      if (user === '') throw new Error('write USER:PASSWORD, and a space before the next one')
      return { user, password }
    })
}
