import { defineCommand, noArguments } from '../command.ts'
import { done } from '../reply.ts'
import { anyState, selected } from '../state.ts'

/** NOOP: its use is what is told before its reply. RFC 9051 section 6.1.2. */
export const noop = defineCommand({
  name: 'NOOP',
  states: anyState,
  parse: noArguments,
  run: () => done('nothing done'),
})

/** CHECK: the store is always up to date. RFC 3501 section 6.4.1. */
export const check = defineCommand({ name: 'CHECK', states: selected, parse: noArguments, run: () => done('checked') })
