import { z } from 'zod'
import { parseYamlValue } from '../../../core/config/yaml.ts'
import { setting, switchOn } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { textOf } from '../values.ts'

type Rule = NonNullable<NonNullable<Draft['lab']['tagging']>['rules']>[number]

const tagsFile = z.object({ filters: z.array(z.object({ match: z.string().min(1), tags: z.string().min(1) })) })

function addRules({ lab }: Draft, rules: readonly Rule[]): void {
  lab.tagging = { ...lab.tagging, rules: [...(lab.tagging?.rules ?? []), ...rules] }
}

/** Tags are between commas. */
const ruleOf = (match: string, tags: string): Rule => ({
  match: match.trim(),
  tags: tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== ''),
})

/** Reads `TAG,TAG=SEARCH "TAG=two words"`. @throws Error */
function rulesIn(text: string): Rule[] {
  // As in Mailpit, quotes only hold spaces together.
  const words = [...text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)].map(([word]) => word.replaceAll('"', '').trim())
  return words.map((word) => {
    const [, tags = '', match = ''] = /^([^=]*)=(.+)$/s.exec(word) ?? []
    const rule = ruleOf(match.toLowerCase(), tags)
    if (rule.match === '' || rule.tags.length === 0) throw new Error(`"${word}" is not a rule; write TAG=SEARCH`)
    return rule
  })
}

export const tagSettings: readonly Setting[] = [
  setting('MP_TAG --tag -t', '`tagging: { rules }`', ({ draft, value }) => addRules(draft, rulesIn(value))),
  setting('MP_TAGS_CONFIG --tags-config', '`tagging: { rules }`', ({ draft, value, path }) => {
    const parsed = tagsFile.safeParse(parseYamlValue(textOf(path(value))))
    if (!parsed.success) throw new Error('the file has no list of `filters` with `match` and `tags`')
    addRules(
      draft,
      parsed.data.filters.map(({ match, tags }) => ruleOf(match, tags)),
    )
  }),
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
