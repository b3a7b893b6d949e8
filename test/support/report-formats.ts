import { readFileSync } from 'node:fs'
import { Ajv, type SchemaObject } from 'ajv'
import formats from 'ajv-formats'
import { parse, type TestSuites } from 'junit2json'

const {
  $schema: _,
  id: __,
  ...schema
} = JSON.parse(readFileSync(new URL('schemas/sarif-2.1.0-rtm.5.json', import.meta.url), 'utf8')) as SchemaObject
// The schema is of draft 4. It uses only what later drafts have too, but for the name of `id`. Optimized code takes longer to
// compile than it saves.
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false, code: { optimize: false } })
formats.default(ajv)
const isSarif = ajv.compile<SarifLog>(schema)

/** A SARIF log, as far as tests look into it. */
interface SarifLog {
  readonly version: string
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly {
      readonly level: string
      readonly ruleId: string
      readonly ruleIndex: number
      readonly locations: readonly {
        readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } }
      }[]
    }[]
  }[]
}

/** Reads a SARIF log. @throws if the JSON schema of SARIF 2.1.0 does not allow it */
export function readSarif(text: string): SarifLog {
  const log: unknown = JSON.parse(text)
  if (isSarif(log)) return log
  throw new Error(`not SARIF 2.1.0: ${ajv.errorsText(isSarif.errors, { separator: '\n' })}`)
}

/** Reads a JUnit report. @throws if it is not one, or if a suite counts other test cases than it has */
export async function readJunit(text: string): Promise<TestSuites> {
  const report = await parse(text)
  if (!report || !('testsuite' in report)) throw new Error('not a JUnit report')
  for (const { name, tests, failures, skipped, testcase = [] } of report.testsuite ?? []) {
    const count = (kind: 'failure' | 'skipped'): number => testcase.filter((one) => one[kind] !== undefined).length
    const [said, found] = [
      [tests, failures, skipped],
      [testcase.length, count('failure'), count('skipped')],
    ]
    if (JSON.stringify(said) !== JSON.stringify(found)) throw new Error(`${name}: counts ${said}, but has ${found}`)
  }
  return report
}
