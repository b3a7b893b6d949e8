import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TranscriptEntry } from '../../../../src/core/sessions/types.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { legacySuites } from '../../../../src/tls/legacy/suites.ts'
import { newFolder } from '../../../support/folder.ts'
import { dialogs } from './dialogs.ts'
import { minimums, nameOf, startOldLab } from './old-lab.ts'
import { type ClientProgram, type Job, type OfferedVersion, peers } from './peers.ts'
import { type InteropResult, tableInDocs, tableOf, writeTableToDocs } from './table.ts'

const folder = newFolder()
const rootFile = join(folder, 'root.pem')
const findings: InteropResult[] = []
let lab: TestLab

beforeAll(async () => {
  lab = await startOldLab()
  writeFileSync(rootFile, await lab.certificates.oldClientRootPem())
})
afterAll(() => lab.stop())

const agreedVersion: Readonly<Record<OfferedVersion, string>> = { TLSv1: 'TLSv1', SSLv3: 'SSLv3', SSLv2Hello: 'TLSv1' }

const isEncryptedCommand = (entry: TranscriptEntry): boolean =>
  entry.encrypted && entry.kind === 'line' && entry.direction === 'in'

function* casesOf(peer: ClientProgram) {
  for (const minimum of minimums) {
    for (const form of peer.forms) {
      for (const version of peer.versions) {
        for (const id of peer.suites) {
          const suite = legacySuites.find((one) => one.id === id)
          if (suite) yield { minimum, form, version, suite }
        }
      }
    }
  }
}

function jobOf({
  minimum,
  form,
  version,
  suite,
}: ReturnType<typeof casesOf> extends Iterable<infer C> ? C : never): Job {
  const { protocol, port, before, after, starttls } = dialogs[form]
  const server = lab.server(nameOf(protocol, minimum))
  return { port: server[port], version, suite, before, after, ...(starttls ? { starttls } : {}) }
}

for (const peer of peers) {
  describe.skipIf(!peer.available())(peer.name, () => {
    it('negotiates every suite and version that it supports, in every form, except weak ones where 128 bits are required', {
      timeout: 300_000,
    }, async () => {
      await lab.reset()
      const cases = [...casesOf(peer)]
      const results = await peer.run(cases.map(jobOf), rootFile, folder)
      expect(results).toHaveLength(cases.length)
      await expect.poll(() => lab.sessions().filter(({ endedAt }) => endedAt === undefined)).toEqual([])
      const sessions = lab.sessions().toSorted((a, b) => a.startedAt - b.startedAt || Number(a.id) - Number(b.id))
      expect(sessions).toHaveLength(cases.length)
      for (const [index, one] of cases.entries()) {
        const title = `${one.suite.name} ${one.version} ${one.form} ${one.minimum}`
        const accepted = one.minimum === 'off' || one.suite.keyBits >= 128
        expect(`${title}: ${results[index]}`).toMatch(new RegExp(`^${title}: ${accepted ? 'ok' : 'failed'}`))
        if (accepted) {
          expect(sessions[index]?.tls).toMatchObject({ cipher: one.suite.name, version: agreedVersion[one.version] })
          expect(sessions[index]?.transcript.filter(isEncryptedCommand)).not.toEqual([])
        } else {
          expect(sessions[index]?.tls).toBeUndefined()
          expect(sessions[index]?.refusals[0]).toMatch(/requires 128-bit encryption/)
        }
        findings.push({ ...one, peer: peer.name, accepted })
      }
    })
  })
}

describe.skipIf(peers.some((peer) => !peer.available()))('docs/old-clients.md', () => {
  it('contains the table of these results', () => {
    if (process.env.SEALPOST_WRITE_DOCS === '1') writeTableToDocs(tableOf(findings))
    expect(tableInDocs()).toBe(tableOf(findings))
  })
})
