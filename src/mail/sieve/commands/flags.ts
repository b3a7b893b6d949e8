import { type CommandRow, SieveFailure, type TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'
import { isVariableName } from '../templates.ts'

/** The system flags that can be set. RFC 9051 section 2.3.2 */
const SYSTEM = new Set(['\\answered', '\\flagged', '\\deleted', '\\seen', '\\draft'])
const KEYWORD = /^[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/
const MAX_FLAGS = 100

/** Returns the valid flags of lists, without duplicates. Others are ignored. RFC 5232 section 2. */
export function flagsOf(lists: readonly string[]): string[] {
  const found = new Map<string, string>()
  for (const flag of lists.flatMap((list) => list.split(' '))) {
    const lower = flag.toLowerCase()
    const isValid = flag.startsWith('\\') ? SYSTEM.has(lower) : KEYWORD.test(flag)
    if (isValid && !found.has(lower) && found.size < MAX_FLAGS) found.set(lower, flag)
  }
  return [...found.values()]
}

const VARIABLE = {
  name: 'variable',
  optional: true,
  type: 'string',
  check: (name: string): string | undefined =>
    isVariableName(name.replace(/^global\./i, '')) ? undefined : 'use the name of a variable',
} as const
const LIST = { name: 'flags', type: 'strings' } as const

/** Returns the names of the variables; empty for the internal one. */
function variablesOf(call: Call): string[] {
  const names = call.texts('variable')
  if (names.length > 0 && !call.run.scope.enabled.has('variables'))
    throw new SieveFailure('a variable of flags needs require "variables";') // RFC 5232 section 3
  return names
}

const current = (call: Call, name: string | undefined): readonly string[] =>
  name === undefined ? call.run.flags : flagsOf([call.run.variable(name)])

function action(
  name: string,
  change: (before: readonly string[], given: readonly string[]) => readonly string[],
): CommandRow {
  return {
    name,
    extensions: ['imap4flags'],
    arguments: [VARIABLE, LIST],
    run(call) {
      const [variable] = variablesOf(call)
      const after = flagsOf(change(current(call, variable), flagsOf(call.texts('flags'))))
      if (variable === undefined) call.run.flags = after
      else call.run.set(variable, after.join(' '))
      return undefined
    },
  }
}

const without = (before: readonly string[], given: readonly string[]): string[] => {
  const gone = new Set(given.map((flag) => flag.toLowerCase()))
  return before.filter((flag) => !gone.has(flag.toLowerCase()))
}

/** RFC 5232 section 3. */
export const flagActions: readonly CommandRow[] = [
  action('setflag', (_, given) => given),
  action('addflag', (before, given) => [...before, ...given]),
  action('removeflag', without),
]

/** RFC 5232 section 4. */
export const hasflag: TestRow = {
  name: 'hasflag',
  extensions: ['imap4flags'],
  tags: MATCHING,
  arguments: [{ ...VARIABLE, type: 'strings' }, LIST],
  test(call) {
    const variables = variablesOf(call)
    const flags = variables.length === 0 ? current(call, undefined) : variables.flatMap((name) => current(call, name))
    // The order of a list of flags means nothing, so every key is one flag.
    const keys = call.texts('flags')
    const split =
      call.has('matches') || call.has('regex') || call.has('count')
        ? keys
        : keys.flatMap((key) => key.split(' ').filter(Boolean))
    return anyMatch(call, flags, split)
  },
}
