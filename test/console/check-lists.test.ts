import { expect, it } from 'vitest'
import { badServerNames } from '../../console/src/pages/verify/bad-server-names.ts'
import { checkGroups } from '../../console/src/pages/verify/checks.ts'
import checkTexts from '../../console/src/texts/en/checks.ts'
import { badServers } from '../../src/checks/audit/bad-servers.ts'
import { reportedChecks } from '../../src/checks/verify/run.ts'

it('the console has a group and texts for each check', () => {
  const names = reportedChecks.map(({ name }) => name)
  expect(new Set(Object.values(checkGroups).flat())).toEqual(new Set(names))
  const keys = names.flatMap((name) => ['title', 'why', 'cure'].map((part) => `checks.${name}.${part}`))
  expect(new Set(Object.keys(checkTexts))).toEqual(new Set(keys))
})

it('the console lists each server of an audit', () => {
  expect(badServerNames).toEqual(badServers.map(({ name }) => name))
})
