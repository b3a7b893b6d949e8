import { missing, setting, switchOn } from '../rows.ts'
import type { Setting } from '../tool.ts'

const NO_FILTERS = 'only fields, plus addresses and user names set tags'

export const tagSettings: readonly Setting[] = [
  ...missing(NO_FILTERS, 'MP_TAG --tag -t', 'MP_TAGS_CONFIG --tags-config'),
  switchOn('MP_TAGS_TITLE_CASE --tags-title-case!', '`tagging: { titleCase: true }`', (draft) => {
    draft.lab.tagging = { ...draft.lab.tagging, titleCase: true }
  }),
  setting(
    'MP_TAGS_DISABLE --tags-disable',
    '`tagging` without `header` (x-tags) or `plusAddresses` (plus-addresses)',
    ({ draft, value }) => {
      for (const kind of value.toLowerCase().split(',')) disable(draft.lab.tagging ?? {}, kind.trim())
    },
  ),
  switchOn('MP_TAGS_USERNAME --tags-username!', '`tagging: { user: true }`', (draft) => {
    draft.lab.tagging = { ...draft.lab.tagging, user: true }
  }),
]

/** @throws Error for an unknown kind */
function disable(tagging: { header?: string | undefined; plusAddresses?: boolean | undefined }, kind: string): void {
  if (/^x-?tags$/.test(kind)) delete tagging.header
  else if (/^plus-address(?:es|ing)$/.test(kind)) delete tagging.plusAddresses
  else throw new Error(`"${kind}" sets no tags; write x-tags or plus-addresses`)
}
