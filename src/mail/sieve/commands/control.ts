import { type CommandRow, SieveFailure } from '../language.ts'
import { isVariableName } from '../templates.ts'

const block = (call: Parameters<CommandRow['run']>[0]) =>
  call.run.block((call.bound as { block: Parameters<typeof call.run.block>[0] }).block)

/** RFC 5804 section 1.6 */
const isScriptName = (name: string): boolean =>
  name !== '' && name.length <= 512 && !/[\x00-\x1f\x7f-\x9f\u2028\u2029/]/.test(name)

/** The order of commands. RFC 5228 section 3, RFC 6609, RFC 5463 section 5. */
export const control: readonly CommandRow[] = [
  { name: 'if', tests: 'one', block: true, run: block },
  { name: 'elsif', tests: 'one', block: true, run: block },
  { name: 'else', block: true, run: block },
  { name: 'stop', run: () => 'stop' },
  { name: 'return', extensions: ['include'], run: () => 'return' },
  {
    name: 'include',
    extensions: ['include'],
    tags: {
      personal: { group: 'location' },
      global: { group: 'location' },
      once: {},
      optional: {},
    },
    arguments: [
      {
        name: 'name',
        type: 'string',
        constant: true, // RFC 6609 section 3.2
        check: (name) =>
          isScriptName(name) ? undefined : 'use the name of a script, without "/" and control characters',
      },
    ],
    run: (call) =>
      call.run.include(call.text('name'), call.has('global') ? 'global' : 'personal', {
        once: call.has('once'),
        optional: call.has('optional'),
      }),
  },
  {
    name: 'global',
    extensions: ['include', 'variables'], // RFC 6609 section 3.4.1
    arguments: [
      {
        name: 'names',
        type: 'strings',
        constant: true,
        check: (name) => (isVariableName(name) ? undefined : 'use letters, digits and "_", not first a digit'),
      },
    ],
    run(call) {
      const { variables, globals } = call.run.scope
      for (const name of call.texts('names')) {
        if (variables.has(name.toLowerCase()))
          throw new SieveFailure(`the variable ${name} was set before; put global before the first set`)
        globals.add(name.toLowerCase())
      }
      return undefined
    },
  },
  {
    name: 'error',
    extensions: ['ihave'],
    arguments: [{ name: 'message', type: 'string' }],
    run(call) {
      throw new SieveFailure(call.text('message'))
    },
  },
]
