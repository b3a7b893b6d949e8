import { cbcSuites, rsaSuites } from '../tls/suite-classes.ts'
import { type Check, pass } from './check.ts'
import { highestBefore13 } from './versions.ts'

const kinds = { 'suites with CBC': cbcSuites, 'suites without forward secrecy': rsaSuites } as const

/** Reports, for information, suites that many servers still need and that RFC 9325 sections 4.1 and 4.2 advise against. */
export const olderSuites: Check = {
  name: 'older-suites',
  title: 'older suites',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return pass('TLS 1.3 has none')
    const accepted: string[] = []
    for (const [name, suites] of Object.entries(kinds)) {
      if ((await probe.hello({ version: version.wire, suites })).kind === 'hello') accepted.push(name)
    }
    const words =
      accepted.length === 0 ? 'none with CBC or without forward secrecy' : `accepts ${accepted.join(' and ')}`
    return pass(accepted.length === 0 ? words : `${words}, for information (RFC 9325 section 4.1)`, { accepted })
  },
}
