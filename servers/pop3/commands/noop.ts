import { inTransaction } from '../command.ts'

/** NOOP. RFC 1939 section 5. */
export const noop = inTransaction({ name: 'NOOP', run: () => 'nothing done' })
