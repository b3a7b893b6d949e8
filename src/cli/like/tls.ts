import type { VirtualServerInput } from '../../core/config/schema.ts'
import { serverOf } from './draft.ts'
import type { SettingCall } from './tool.ts'

/** Makes a virtual server use the certificate in two files. @param key the setting that names the file of the key */
export function useCertificate({ draft, value, other, path }: SettingCall, server: string, key: string): void {
  const keyFile = other(key)
  if (keyFile === undefined) throw new Error(`needs ${key} too`)
  // Mailpit makes a certificate for these names.
  const names = /^sans:(.*)$/.exec(value)?.[1]?.split(',')
  if (names) draft.lab.alternativeNames = [...(draft.lab.alternativeNames ?? []), ...names.map((name) => name.trim())]
  serverOf(draft, server).certificate = names ? 'auto' : { file: path(value), keyFile: path(keyFile) }
}

/** Makes the port of a virtual server take TLS from the beginning. */
export function useImplicitTls(server: VirtualServerInput): void {
  if (server.tlsPort !== 'off') return
  Object.assign(server, { tlsPort: server.port, port: 'off' })
}
