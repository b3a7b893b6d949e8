import { hostname } from 'node:os'
import { domainToASCII } from 'node:url'
import { formatGeneralName, type GeneralName, generalName } from './x509/general-names.ts'

/** The names a lab's certificates carry: its host name, the further names, and always the ways to reach this machine. */
export function certificateNames(host: string, alternativeNames: readonly string[] = []): string[] {
  const all = [host, ...alternativeNames, 'localhost', '127.0.0.1', '::1', hostname()]
  return [...new Set(all.filter((name) => name !== ''))]
}

/** Names as they stand in subjectAltName; a machine's name that no certificate can carry is left out. */
export function subjectNames(names: readonly string[]): GeneralName[] {
  const usable = names.filter((name) => name.includes(':') || domainToASCII(name) !== '')
  const unique = new Map(usable.map((name) => generalName(name)).map((name) => [formatGeneralName(name), name]))
  return [...unique.values()]
}
