import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../../support/run-program.ts'
import { Workplace } from '../../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const generated = `${repository}dist/src/core/config/lab-input`
const place = new Workplace()

test('the generated type of a configuration is the one that the schema infers', { timeout: 120_000 }, async () => {
  const check = place.write(
    'check.mts',
    `import type { LabInput as Generated } from '${generated}.js'
import type { LabInput } from '${repository}src/core/config/schema.ts'
export const oneWay = (input: Generated): LabInput => input
export const otherWay = (input: LabInput): Generated => input
`,
  )
  const tsconfig = place.write(
    'tsconfig.json',
    JSON.stringify({
      extends: `${repository}tsconfig.json`,
      compilerOptions: {
        rootDir: '/',
        typeRoots: [`${repository}node_modules/@types`],
        rewriteRelativeImportExtensions: false,
      },
      include: [check],
    }),
  )
  const { status, stdout } = await runProgram(`${repository}node_modules/.bin/tsc`, ['-p', tsconfig], {
    cwd: repository,
  })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

test('keys of the configuration and of faults have doc comments with their defaults', () => {
  const text = readFileSync(`${generated}.d.ts`, 'utf8')
  expect(text).toContain(
    '     * Mail domain of the accounts.\n     * @default "lab.test"\n     */\n    domain?: string | undefined;',
  )
  expect(text).toContain(
    '/** Only for this command: RCPT, RETR, UID FETCH, AUTHINFO … */\n            verb?: string | undefined;',
  )
  const lines = text.split('\n')
  const undocumented = lines.filter((line, i) => /^ +[\w"]+\??: /.test(line) && !lines[i - 1]?.endsWith('*/'))
  expect(undocumented).toEqual([])
})
