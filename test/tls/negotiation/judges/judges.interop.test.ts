import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { newFolder } from '../../../support/folder.ts'
import { gnutls, java, nss, openssl, scapy } from './clients.ts'
import type { Judge } from './judge.ts'
import { nmap, sslscan, testssl } from './scanners.ts'
import { accepted, type Offer, type SubjectName, subjects } from './subjects.ts'
import { type Findings, tableInDocs, tableOf, writeTableToDocs } from './table.ts'

const judges: readonly Judge[] = [openssl, gnutls, nss, java, scapy, nmap, sslscan, testssl]
const names = Object.keys(subjects) as SubjectName[]
const folder = newFolder()
const caFile = join(folder, 'ca.pem')
const findings: Findings = new Map(names.map((name) => [name, new Map()]))
let lab: TestLab

beforeAll(async () => {
  lab = await startLab({
    certificates: { store: 'memory', key: 'rsa-2048' },
    virtualServers: names.map((name) => ({ name, protocol: 'pop3', ...subjects[name].settings })),
  })
  writeFileSync(caFile, `${lab.ca}\n${await lab.certificates.oldClientRootPem()}`)
})
afterAll(() => lab.stop())

// At the same time, because testssl.sh mostly waits.
describe.concurrent('independent programs find what the policy says', () => {
  for (const judge of judges) {
    it.skipIf(!judge.available())(judge.name, { timeout: 600_000 }, async ({ expect: check }) => {
      for (const name of names) {
        const found = await judge.examine({ port: lab.server(name).tlsPort, caFile, folder })
        findings.get(name)?.set(judge, found as Offer[])
        check([name, ...found.toSorted()]).toEqual([name, ...accepted(subjects[name], judge.offers).toSorted()])
      }
    })
  }
})

describe.skipIf(judges.some((judge) => !judge.available()))('docs/conformance.md', () => {
  it('contains the table of these results', () => {
    const table = tableOf(judges, findings)
    if (process.env.SEALPOST_WRITE_DOCS === '1') writeTableToDocs(table)
    expect(tableInDocs()).toBe(table)
  })
})
