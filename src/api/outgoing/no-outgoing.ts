import { OutgoingRecord } from '../../outgoing/record.ts'
import { OutgoingRefused } from '../../outgoing/types.ts'
import type { ApiOutgoing } from '../lab.ts'

const refuse = (): never => {
  throw new OutgoingRefused(
    '',
    'the configuration has no connectors, so no mail leaves the lab; add one: docs/outgoing-mail.md',
  )
}

const queue: ApiOutgoing['queue'] = {
  size: 0,
  oldestAt: undefined,
  list: () => [],
  get: () => undefined,
  read: refuse,
  flush: async () => 0,
  hold: async () => 0,
  delete: async () => 0,
  bounce: async () => 0,
  add: async () => refuse(),
  watch: () => () => {},
  [Symbol.asyncDispose]: async () => {},
}

/** The outgoing mail of a lab that sends none. */
export const noOutgoing: ApiOutgoing = {
  queue,
  record: new OutgoingRecord(queue, Date.now),
  plan: refuse,
  test: refuse,
}
