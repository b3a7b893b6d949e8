import { Search, X } from 'lucide-preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Glyph } from '../../components/icon.tsx'
import { labNow } from '../../state/clock.ts'
import { folders } from '../../state/folders.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import { providerNames } from './provider-names.ts'

interface Suggestion {
  readonly text: string
  readonly hint: TextKey
}

/** The fields of a search: Mailpit's syntax and the lab's additions. */
const FIELDS: readonly Suggestion[] = [
  { text: 'from:', hint: 'mail.searchFrom' },
  { text: 'to:', hint: 'mail.searchTo' },
  { text: 'cc:', hint: 'mail.searchCc' },
  { text: 'subject:', hint: 'mail.searchSubject' },
  { text: 'is:unread', hint: 'mail.searchUnread' },
  { text: 'is:read', hint: 'mail.searchRead' },
  { text: 'is:flagged', hint: 'mail.searchFlagged' },
  { text: 'is:tagged', hint: 'mail.searchTagged' },
  { text: 'has:attachment', hint: 'mail.searchAttachment' },
  { text: 'tag:', hint: 'mail.searchTag' },
  { text: 'on:', hint: 'mail.searchOn' },
  { text: 'before:', hint: 'mail.searchBefore' },
  { text: 'after:', hint: 'mail.searchAfter' },
  { text: 'larger:', hint: 'mail.searchLarger' },
  { text: 'smaller:', hint: 'mail.searchSmaller' },
  { text: 'message-id:', hint: 'mail.searchMessageId' },
  { text: 'sent-by:', hint: 'mail.searchSentBy' },
  { text: 'header:', hint: 'mail.searchHeader' },
  { text: 'account:', hint: 'mail.searchAccount' },
  { text: 'folder:', hint: 'mail.searchFolder' },
  { text: 'newsgroup:', hint: 'mail.searchNewsgroup' },
]
const MAX_SHOWN = 9
const DAY_MS = 86_400_000

/** Returns the values that a field can have. */
function valuesOf(field: string, tags: readonly string[]): readonly string[] {
  const of = (key: 'account' | 'name' | 'newsgroup'): string[] => [
    ...new Set((folders.value ?? []).flatMap((one) => one[key] ?? [])),
  ]
  const day = (ago: number): string => new Date(labNow.value - ago * DAY_MS).toISOString().slice(0, 10)
  switch (field) {
    case 'tag':
      return tags
    case 'account':
      return of('account')
    case 'folder':
      return of('name')
    case 'newsgroup':
      return of('newsgroup')
    case 'on':
    case 'before':
    case 'after':
      return [day(0), day(1), day(7), day(30)]
    case 'sent-by':
      return providerNames
    case 'larger':
    case 'smaller':
      return ['10k', '100k', '1m', '10m']
    default:
      return []
  }
}

const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value)

/** Returns what the last word of a search could become. */
function suggestionsFor(search: string, tags: readonly string[]): readonly Suggestion[] {
  const word = /(?:^|\s)([-!]?)(\S*)$/.exec(search)
  const [sign, typed] = [word?.[1] ?? '', (word?.[2] ?? '').toLowerCase()]
  const [, field, value = ''] = /^([a-z-]+):(.*)$/.exec(typed) ?? []
  const found: readonly Suggestion[] = field
    ? valuesOf(field, tags)
        .filter((one) => one.toLowerCase().includes(value) && one.toLowerCase() !== value)
        .map((one) => ({ text: `${field}:${quoted(one)}`, hint: 'mail.searchValue' as const }))
    : []
  const fields = FIELDS.filter(({ text }) => text.startsWith(typed) && text !== typed)
  return [...found, ...fields].slice(0, MAX_SHOWN).map(({ text, hint }) => ({ text: sign + text, hint }))
}

/** The field for searches, with suggestions. Enter searches. */
export function SearchBox({
  value,
  onSearch,
  label = t('mail.search'),
}: {
  readonly label?: string
  readonly value: string
  readonly onSearch: (search: string) => void
}) {
  const id = useId()
  const [text, setText] = useState(value)
  const [isOpen, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const [tags, setTags] = useState<readonly string[]>([])
  useEffect(() => setText(value), [value])
  const suggestions = isOpen ? suggestionsFor(text, tags) : []
  const submit = (search: string): void => {
    setOpen(false)
    setActive(-1)
    setText(search.trim())
    onSearch(search.trim())
  }
  const take = ({ text: taken }: Suggestion): void => {
    const next = text.replace(/\S*$/, taken)
    const isWhole = !taken.endsWith(':')
    setText(isWhole ? `${next} ` : next)
    setActive(-1)
    document.getElementById(id)?.focus()
  }
  const onKey = (event: KeyboardEvent): void => {
    const { key } = event
    const chosen = suggestions[active]
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      setOpen(true)
      const by = key === 'ArrowDown' ? 1 : -1
      setActive((active + by + suggestions.length + 1) % (suggestions.length + 1))
    } else if (key === 'Enter') {
      if (chosen) take(chosen)
      else submit(text)
    } else if (key === 'Tab' && chosen && !event.shiftKey) take(chosen)
    else if (key === 'Escape' && isOpen && suggestions.length > 0) setOpen(false)
    else if (key === 'Escape') (event.currentTarget as HTMLElement).blur()
    else return
    event.preventDefault()
  }
  return (
    <search class="search-box">
      <Glyph icon={Search} />
      <input
        id={id}
        class="mail-search"
        type="text"
        role="combobox"
        aria-label={label}
        aria-keyshortcuts="/"
        aria-expanded={suggestions.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 && active < suggestions.length ? `${id}-${active}` : undefined}
        placeholder={t('mail.searchPlaceholder')}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onFocus={() => {
          setOpen(true)
          call('tags.list', {}).then(
            ({ items }) => setTags(items.map(({ name }) => name)),
            () => setTags([]),
          )
        }}
        onBlur={() => setOpen(false)}
        onInput={(event) => {
          setText(event.currentTarget.value)
          setActive(-1)
          setOpen(true)
        }}
        onKeyDown={onKey}
      />
      {text !== '' && <Button kind="plain" icon={X} label={t('mail.clearSearch')} onClick={() => submit('')} />}
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={t('mail.suggestions')}
        class="suggestions"
        hidden={suggestions.length === 0}
      >
        {suggestions.map((one, index) => (
          <div
            key={one.text}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(one)}
          >
            <code>{one.text}</code>
            <span class="hint">{t(one.hint)}</span>
          </div>
        ))}
      </div>
    </search>
  )
}
