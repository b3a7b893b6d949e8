import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Form } from '../../components/form.tsx'
import { notify } from '../../components/toast.tsx'
import { navigate } from '../../router.ts'
import { callerState } from '../../state/caller.ts'
import { remember, remembered } from '../../state/preferences.ts'
import { t } from '../../texts/index.ts'
import { type ArticleDraft, writing } from './compose-state.ts'
import { type Newsgroup, namesIn } from './groups.ts'
import { groupPath, type Place } from './place.ts'

/** Newsgroups that are offered as buttons. */
const MAX_OFFERED = 12

/** Returns the address that the lab uses without From. */
const ownAddress = (): string => {
  const state = callerState.value
  return state.name === 'in' && state.caller.role === 'account' ? state.caller.name : 'sender@example.com'
}

interface ComposeProps {
  readonly draft: ArticleDraft
  readonly groups: readonly Newsgroup[]
  readonly place: Place
}

/** Writes an article, or a follow-up. */
export function ComposeArticle({ draft, groups, place }: ComposeProps) {
  const [from, setFrom] = useState(remembered('news.from', ''))
  const [newsgroups, setNewsgroups] = useState(draft.newsgroups.join(', '))
  const [followupTo, setFollowupTo] = useState('')
  const [subject, setSubject] = useState(draft.subject)
  const [text, setText] = useState(draft.text)
  const names = namesIn(newsgroups)
  const first = draft.newsgroups.length === 0 ? 'newsgroups' : draft.subject === '' ? 'subject' : 'text'
  const isFollowUp = draft.headers.References !== undefined
  const close = (): void => {
    writing.value = undefined
  }
  const post = async (): Promise<void> => {
    const elsewhere = namesIn(followupTo)
    const headers = { ...draft.headers, ...(elsewhere.length > 0 ? { 'Followup-To': elsewhere.join(',') } : {}) }
    const { articles, moderator } = await call('articles.post', {
      newsgroups: names,
      from: from.trim() || undefined,
      subject,
      text,
      headers,
    })
    remember('news.from', from.trim())
    close()
    if (moderator !== null) return notify(t('news.sentToModerator', { moderator }))
    const here = articles.find(({ newsgroup }) => place.kind === 'group' && newsgroup === place.name) ?? articles[0]
    if (here) navigate(groupPath(here.newsgroup, { article: here.id }))
  }
  const toggle = (name: string): void =>
    setNewsgroups((names.includes(name) ? names.filter((one) => one !== name) : [...names, name]).join(', '))
  const open = groups.filter(({ posting }) => posting !== 'no')
  return (
    <Dialog title={isFollowUp ? t('news.followUp') : t('news.newArticle')} size="large" onClose={close}>
      <Form submit={t('news.post')} fields={['from', 'newsgroups', 'followupTo', 'subject', 'text']} onSubmit={post}>
        <Field
          name="from"
          label={t('mail.from')}
          value={from}
          onInput={setFrom}
          placeholder={ownAddress()}
          autocomplete="off"
        />
        <Field
          name="newsgroups"
          label={t('news.newsgroups')}
          hint={groupsHint(names, groups)}
          value={newsgroups}
          onInput={setNewsgroups}
          autocomplete="off"
          spellcheck={false}
          autofocus={first === 'newsgroups'}
        />
        {open.length > 1 && (
          <fieldset class="offered">
            <legend class="hidden">{t('news.postTo')}</legend>
            {open.slice(0, MAX_OFFERED).map(({ name, description }) => (
              <Button
                key={name}
                kind="plain"
                aria-pressed={names.includes(name)}
                title={description}
                onClick={() => toggle(name)}
              >
                {name}
              </Button>
            ))}
          </fieldset>
        )}
        {(names.length > 1 || followupTo !== '') && (
          <Field
            name="followupTo"
            label="Followup-To"
            hint={t('news.followupToHint')}
            value={followupTo}
            onInput={setFollowupTo}
            placeholder={names[0] ?? ''}
            autocomplete="off"
            spellcheck={false}
          />
        )}
        <Field
          name="subject"
          label={t('mail.subject')}
          value={subject}
          onInput={setSubject}
          autofocus={first === 'subject'}
        />
        <Field
          name="text"
          label={t('mail.text')}
          value={text}
          onInput={setText}
          rows={12}
          autofocus={first === 'text'}
        />
        {isFollowUp && (
          <p class="hint references">
            References: <code>{draft.headers.References}</code>
          </p>
        )}
      </Form>
    </Dialog>
  )
}

/** Says what happens to an article for these newsgroups. */
function groupsHint(names: readonly string[], groups: readonly Newsgroup[]): string | undefined {
  const chosen = names.flatMap((name) => groups.find((one) => one.name === name) ?? [])
  const closed = chosen.find(({ posting }) => posting === 'no')
  if (closed) return t('news.closedHint', { name: closed.name })
  const moderated = chosen.find(({ posting }) => posting === 'moderated')
  if (moderated) return t('news.moderatedHint', { name: moderated.name, moderator: moderated.moderator ?? '' })
  return names.length > 1 ? t('news.crossPostHint', { n: names.length }) : t('news.newsgroupsHint')
}
