import { FIELD_NAME } from '../../format/compose.ts'
import type { CommandRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import { INDEX } from '../tests/header.ts'

const NAME = {
  name: 'name',
  type: 'string',
  check: (name: string): string | undefined =>
    FIELD_NAME.test(name) ? undefined : 'use the name of a header field, such as X-Label',
} as const

/** Fields that scripts cannot delete. RFC 5293 section 6 */
const KEPT = new Set(['received', 'auto-submitted'])

/** RFC 5293 sections 4 and 5. */
export const editheader: readonly CommandRow[] = [
  {
    name: 'addheader',
    extensions: ['editheader'],
    tags: { last: {} },
    arguments: [NAME, { name: 'value', type: 'string' }],
    async run(call) {
      await call.run.mail.add(call.text('name'), call.text('value').trim(), call.has('last'))
      call.run.tell(`added the header field ${call.text('name')}`)
      return undefined
    },
  },
  {
    name: 'deleteheader',
    extensions: ['editheader'],
    tags: { ...MATCHING, ...INDEX('editheader') },
    arguments: [NAME, { name: 'patterns', type: 'strings', optional: true }],
    async run(call) {
      const name = call.text('name')
      if (KEPT.has(name.toLowerCase())) return undefined
      const patterns = call.texts('patterns')
      const index = call.number('index')
      const count = await call.run.mail.delete(name, async (value, at, all) => {
        // The count comes before the patterns. RFC 5293 section 5
        if (index !== undefined && at !== (call.has('last') ? all - index : index - 1)) return false
        return patterns.length === 0 || anyMatch(call, [value], patterns)
      })
      call.run.tell(`deleted ${count} header ${count === 1 ? 'field' : 'fields'} ${name}`)
      return undefined
    },
  },
]
