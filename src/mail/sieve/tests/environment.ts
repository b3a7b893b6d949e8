import { FIELD_NAME } from '../../format/compose.ts'
import { useProblem } from '../commands/deliver.ts'
import { replyKey } from '../commands/replies.ts'
import type { TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'

const DEFAULT_DUPLICATE_SECONDS = 7 * 86_400
/** Extensions that change how the script is read. `ihave` cannot enable them. RFC 5463 section 4 */
const READ_BEFORE = new Set(['encoded-character', 'variables'])

/** Returns the unique id of the message. RFC 7352 section 3.1 */
function uniqueId(call: Call): string | undefined {
  if (call.has('uniqueid')) return call.text('uniqueid')
  const name = call.optional('header') ?? 'message-id'
  return FIELD_NAME.test(name) ? call.run.mail.values([name])[0] : undefined
}

async function duplicate(call: Call): Promise<boolean> {
  const id = uniqueId(call)
  if (id === undefined) return false
  const key = replyKey('duplicate', call.optional('handle') ?? '', id)
  const wasSeen = (await call.run.environment.remembers?.(key)) ?? false
  // RFC 7352 section 3.3: with :last, every message starts the time again
  if (!wasSeen || call.has('last')) call.run.remember(key, call.number('seconds') ?? DEFAULT_DUPLICATE_SECONDS)
  return wasSeen
}

/** RFC 5235 section 3.2 */
function spamtest(call: Call): boolean | Promise<boolean> {
  const { spamScore } = call.run.environment
  const score = Math.min(Math.max(spamScore ?? 0, 0), 1)
  const value = call.has('percent') ? Math.round(100 * score) : spamScore === undefined ? 0 : 1 + Math.round(9 * score)
  const isTested = spamScore !== undefined || !call.has('count')
  return anyMatch(call, isTested ? [String(value)] : [], [call.text('value of the test')])
}

async function every<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (!(await test(item))) return false
  return true
}

/** Tests of what surrounds the message. RFC 5183, 5235, 5463, 5490, 7352, 8579. */
export const environmentTests: readonly TestRow[] = [
  {
    name: 'environment',
    extensions: ['environment'],
    tags: MATCHING,
    arguments: [
      { name: 'item', type: 'string' },
      { name: 'keys', type: 'strings' },
    ],
    test(call) {
      const items = call.run.environment.items ?? {}
      const name = call.text('item').toLowerCase()
      const value = Object.hasOwn(items, name) ? items[name] : undefined
      // RFC 5183 section 4: an unknown item matches nothing
      if (value === undefined) return false
      return anyMatch(call, call.has('count') && value === '' ? [] : [value], call.texts('keys'))
    },
  },
  {
    name: 'ihave',
    extensions: ['ihave'],
    arguments: [{ name: 'extensions', type: 'strings', constant: true }],
    test(call) {
      const { enabled } = call.run.scope
      const names = call.texts('extensions')
      const isThere = names.every((one) => enabled.has(one) || (call.run.extensions.has(one) && !READ_BEFORE.has(one)))
      if (isThere) for (const one of names) enabled.add(one)
      return isThere
    },
  },
  {
    name: 'duplicate',
    extensions: ['duplicate'],
    tags: {
      handle: { value: { type: 'string' } },
      header: { group: 'unique id', value: { type: 'string' } },
      uniqueid: { group: 'unique id', value: { type: 'string' } },
      seconds: { value: { type: 'number' } },
      last: {},
    },
    test: duplicate,
  },
  {
    name: 'mailboxexists',
    extensions: ['mailbox'],
    arguments: [{ name: 'mailboxes', type: 'strings' }],
    test: (call) =>
      every(
        call.texts('mailboxes'),
        async (name) => /^inbox$/i.test(name) || ((await call.run.environment.mailboxExists?.(name)) ?? false),
      ),
  },
  {
    name: 'specialuse_exists',
    extensions: ['special-use'],
    arguments: [
      { name: 'mailbox', type: 'string', optional: true },
      { name: 'uses', type: 'strings', check: useProblem },
    ],
    test: (call) =>
      every(
        call.texts('uses'),
        async (use) => (await call.run.environment.specialUse?.(use, call.optional('mailbox'))) !== undefined,
      ),
  },
  {
    name: 'spamtest',
    extensions: ['spamtest'],
    tags: { ...MATCHING, percent: { extension: 'spamtestplus' } },
    arguments: [{ name: 'value of the test', type: 'string' }],
    test: spamtest,
  },
]
