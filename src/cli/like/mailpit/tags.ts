import { z } from 'zod'
import { parseYamlValue } from '../../../core/config/yaml.ts'
import { setting, switchSetting } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { readText } from '../values.ts'

type Rule = NonNullable<NonNullable<Draft['lab']['mail']['tagging']>['rules']>[number]

const tagsFile = z.object({ filters: z.array(z.object({ match: z.string().min(1), tags: z.string().min(1) })) })

function addRules({ lab }: Draft, rules: readonly Rule[]): void {
  lab.mail.tagging = { ...lab.mail.tagging, rules: [...(lab.mail.tagging?.rules ?? []), ...rules] }
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
  setting('MP_TAG --tag -t', '`mail.tagging: { rules }`', ({ draft, value }) => addRules(draft, rulesIn(value))),
  setting('MP_TAGS_CONFIG --tags-config', '`mail.tagging: { rules }`', ({ draft, value, path }) => {
    const parsed = tagsFile.safeParse(parseYamlValue(readText(path(value))))
    if (!parsed.success) throw new Error('the file has no list of `filters` with `match` and `tags`')
    addRules(
      draft,
      parsed.data.filters.map(({ match, tags }) => ruleOf(match, tags)),
    )
  }),
  switchSetting('MP_TAGS_TITLE_CASE --tags-title-case!', '`mail.tagging: { titleCase: true }`', (draft) => {
    draft.lab.mail.tagging = { ...draft.lab.mail.tagging, titleCase: true }
  }),
  setting(
    'MP_TAGS_DISABLE --tags-disable',
    '`mail.tagging` without `header` (x-tags) or `plusAddresses` (plus-addresses)',
    ({ draft, value }) => {
      for (const kind of value.toLowerCase().split(',')) disable(draft.lab.mail.tagging ?? {}, kind.trim())
    },
  ),
  switchSetting('MP_TAGS_USERNAME --tags-username!', '`mail.tagging: { user: true }`', (draft) => {
    draft.lab.mail.tagging = { ...draft.lab.mail.tagging, user: true }
  }),
]

/** @throws Error for an unknown kind */
function disable(tagging: { header?: string | undefined; plusAddresses?: boolean | undefined }, kind: string): void {
  if (/^x-?tags$/.test(kind)) delete tagging.header
  else if (/^plus-address(?:es|ing)$/.test(kind)) delete tagging.plusAddresses
  else throw new Error(`"${kind}" sets no tags; write x-tags or plus-addresses`)
}
