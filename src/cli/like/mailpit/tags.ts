import type { Setting } from '../tool.ts'
import { isOn } from '../values.ts'

const NO_FILTERS = 'only fields, plus addresses and user names set tags'

export const tagSettings: readonly Setting[] = [
  { variable: 'MP_TAG', flags: ['--tag', '-t'], missing: NO_FILTERS },
  { variable: 'MP_TAGS_CONFIG', flags: ['--tags-config'], missing: NO_FILTERS },
  {
    variable: 'MP_TAGS_TITLE_CASE',
    flags: ['--tags-title-case'],
    isSwitch: true,
    becomes: '`tagging: { titleCase: true }`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.tagging = { ...draft.lab.tagging, titleCase: true }
    },
  },
  {
    variable: 'MP_TAGS_DISABLE',
    flags: ['--tags-disable'],
    becomes: '`tagging` without `header` (x-tags) or `plusAddresses` (plus-addresses)',
    apply({ draft, value }) {
      for (const kind of value.toLowerCase().split(',')) disable(draft.lab.tagging ?? {}, kind.trim())
    },
  },
  {
    variable: 'MP_TAGS_USERNAME',
    flags: ['--tags-username'],
    isSwitch: true,
    becomes: '`tagging: { user: true }`',
    apply({ draft, value }) {
      if (isOn(value)) draft.lab.tagging = { ...draft.lab.tagging, user: true }
    },
  },
]

/** @throws Error for an unknown kind */
function disable(tagging: { header?: string | undefined; plusAddresses?: boolean | undefined }, kind: string): void {
  if (/^x-?tags$/.test(kind)) delete tagging.header
  else if (/^plus-address(?:es|ing)$/.test(kind)) delete tagging.plusAddresses
  else throw new Error(`"${kind}" sets no tags; write x-tags or plus-addresses`)
}
