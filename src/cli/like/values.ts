import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { VirtualServerInput } from '../../core/config/schema.ts'
import { reasonText } from '../../core/files/file-errors.ts'

/** Returns whether a switch is on. Other values are off, as in most tools. */
export const isOn = (value: string | undefined): boolean => /^(?:1|t|true|yes|on)$/i.test(value ?? '')

/** Returns a whole number from `least`. @throws Error */
export function parseNumber(value: string, least = 0): number {
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

/** The name and password of an account, as a tool has them. */
export interface Credentials {
  readonly user: string
  /** In clear text, or a hash as htpasswd writes it. */
  readonly password: string
}

/** Returns the accounts in `USER:PASSWORD USER:PASSWORD`, also with line ends between them. @throws Error */
export function credentialsIn(value: string): Credentials[] {
  return value
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const [, user = '', password = ''] = /^([^:]+):(.+)$/s.exec(word) ?? []
      if (user === '') throw new Error('write USER:PASSWORD, and a space before the next one')
      return { user, password }
    })
}

/** Reads a file that a setting names. @throws Error */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read ${file}: ${reasonText(error as NodeJS.ErrnoException, 'read')}`, { cause: error })
  }
}

/** Sets the address of a virtual server. @throws Error */
export function listenOn(server: VirtualServerInput, value: string): void {
  if (value !== 'localhost' && isIP(value) === 0) {
    throw new Error(`"${value}" is not an IP address; write an address of this machine, or 0.0.0.0 for all`)
  }
  server.address = value
}

/** Returns the number of a port. @throws Error */
export function portOf(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
  throw new Error(`"${value}" is not a port; write a number up to 65535`)
}
