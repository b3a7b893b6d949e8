import { isIP } from 'node:net'
import { subjectNames } from '../names.ts'
import type { GeneralName } from '../x509/general-names.ts'
import type { NameChoice } from './recipe.ts'

const COUNT = 1000
const OTHER_HOST = 'other.host.example'

/**
 * The names of a defect's certificate.
 * @param hosts what the virtual server is reached by, its host name first
 */
export function namesFor(choice: NameChoice, hosts: readonly string[]): GeneralName[] {
  return subjectNames(choices[choice](hosts))
}

const choices: Readonly<Record<NameChoice, (hosts: readonly string[]) => readonly string[]>> = {
  own: (hosts) => hosts,
  other: () => [OTHER_HOST],
  none: () => [],
  addresses: (hosts) => hosts.filter((name) => isIP(name) !== 0),
  wildcard: (hosts) => [wildcardFor(hosts[0] ?? 'localhost')],
  thousand: (hosts) => [...hosts, ...Array.from({ length: COUNT - hosts.length }, (_, n) => `n${n}.names.example`)],
}

/** `*.lab.test` for mail.lab.test. A wildcard right below a top-level domain counts nowhere: `*.lab.localhost` for localhost. */
function wildcardFor(host: string): string {
  const labels = host.split('.')
  if (labels.length >= 3) return `*.${labels.slice(1).join('.')}`
  return labels.length === 2 ? `*.${host}` : `*.lab.${host}`
}
