import { hostname } from 'node:os'
import { domainToASCII } from 'node:url'
import { formatGeneralName, type GeneralName, generalName } from './x509/general-names.ts'

/** The names a lab's certificates carry: its host name, the further names, and always the ways to reach this machine. */
export function certificateNames(host: string, alternativeNames: readonly string[] = []): string[] {
  const all = [host, ...alternativeNames, 'localhost', '127.0.0.1', '::1', hostname()]
  return [...new Set(all.filter((name) => name !== ''))]
}

/** Names as they stand in subjectAltName, each once; a machine's name that no certificate can carry is left out. */
export function subjectNames(names: readonly string[]): GeneralName[] {
  return unique(names.filter((name) => name.includes(':') || domainToASCII(name) !== '').map(generalName))
}

/** Names that were asked for, behind a common name, which need not be a host's. @throws PkiError for one that is no name */
export const requestedNames = (commonName: string, names: readonly string[]): GeneralName[] =>
  unique([...subjectNames([commonName]), ...names.map(generalName)])

const unique = (names: readonly GeneralName[]): GeneralName[] => [
  ...new Map(names.map((name) => [formatGeneralName(name), name])).values(),
]
