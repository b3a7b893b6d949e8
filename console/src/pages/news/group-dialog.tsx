import { Trash2 } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Fact } from '../../components/fact.tsx'
import { Choice, Field, Form } from '../../components/form.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { formatNumber, t } from '../../texts/index.ts'
import type { Newsgroup } from './groups.ts'
import { Posting } from './overview.tsx'

type Attributes = Omit<InputOf<'newsgroups.create'>, 'name'>
type Access = NonNullable<Newsgroup['access']> | ''

interface GroupDialogProps {
  /** Undefined: a new one. */
  readonly group: Newsgroup | undefined
  /** Called with the name of the newsgroup; undefined if it was deleted. */
  readonly onDone: (name: string | undefined) => void
  readonly onClose: () => void
}

/** Creates a newsgroup, or shows and changes its attributes. Newsgroups of the configuration are changed there. */
export function GroupDialog({ group, onDone, onClose }: GroupDialogProps) {
  const [isDeleting, setDeleting] = useState(false)
  if (group && isDeleting)
    return <DeleteGroup group={group} onDone={() => onDone(undefined)} onClose={() => setDeleting(false)} />
  const remove = group && (
    <Button kind="danger" icon={Trash2} onClick={() => setDeleting(true)}>
      {t('news.deleteGroup')}
    </Button>
  )
  return (
    <Dialog
      title={group ? t('news.propertiesOf', { name: group.name }) : t('news.newGroup')}
      onClose={onClose}
      actions={group?.configured ? remove : undefined}
    >
      {group?.configured ? <Configured group={group} /> : <GroupForm group={group} onDone={onDone} actions={remove} />}
    </Dialog>
  )
}

/** The attributes of a newsgroup that the configuration lists, with the place to change them. */
const Configured = ({ group }: { readonly group: Newsgroup }) => {
  const { name, description, addresses, expireAfter, keepLatest, access, suggested, first, last, messages, createdAt } =
    group
  return (
    <>
      <dl class="facts beside wide">
        <Fact name={t('news.description')}>{description || '–'}</Fact>
        <Fact name={t('news.posting')}>
          <Posting group={group} />
        </Fact>
        <Fact name={t('news.access')}>{t(access === null ? 'news.access_server' : `news.access_${access}`)}</Fact>
        <Fact name={t('news.articles')}>
          {formatNumber(messages)}
          {messages > 0 && ` (${t('news.numbers', { first, last })})`}
        </Fact>
        {addresses.length > 0 && <Fact name={t('news.addresses')}>{addresses.join(', ')}</Fact>}
        <Fact name={t('news.expireAfter')}>{expireAfter ?? t('news.never')}</Fact>
        {keepLatest !== null && <Fact name={t('news.keepLatest')}>{formatNumber(keepLatest)}</Fact>}
        <Fact name={t('news.suggestedFact')}>{suggested ? t('news.yes') : t('news.no')}</Fact>
        <Fact name={t('news.created')}>{wholeTime(createdAt)}</Fact>
      </dl>
      <p>{t('news.configuredHint')}</p>
      <Copyable text={`sealpost config set 'newsgroups[${name}].description' 'General talk'`} />
    </>
  )
}

interface GroupFormProps {
  readonly group: Newsgroup | undefined
  readonly onDone: (name: string) => void
  readonly actions: preact.ComponentChildren
}

function GroupForm({ group, onDone, actions }: GroupFormProps) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState(group?.description ?? '')
  const [posting, setPosting] = useState(group?.posting ?? 'yes')
  const [moderator, setModerator] = useState(group?.moderator ?? '')
  const [access, setAccess] = useState<Access>(group?.access ?? '')
  const [expireAfter, setExpireAfter] = useState(group?.expireAfter ?? '')
  const [keepLatest, setKeepLatest] = useState(group?.keepLatest?.toString() ?? '')
  const [suggested, setSuggested] = useState(group?.suggested ?? false)
  const save = async (): Promise<void> => {
    const attributes: Attributes = {
      description,
      posting,
      moderator: posting === 'moderated' && moderator.trim() !== '' ? moderator.trim() : null,
      access: access === '' ? null : access,
      expireAfter: expireAfter.trim() === '' ? null : expireAfter.trim(),
      // A text that is no number is sent as it is, so that the lab says what is wrong: NaN would become null in JSON.
      keepLatest:
        keepLatest.trim() === ''
          ? null
          : ((Number.isNaN(Number(keepLatest)) ? keepLatest : Number(keepLatest)) as number),
      suggested,
    }
    const saved = group
      ? await call('newsgroups.update', { ...attributes, name: group.name })
      : await call('newsgroups.create', { ...attributes, name: name.trim() })
    onDone(saved.name)
  }
  return (
    <Form
      submit={group ? t('news.save') : t('news.create')}
      fields={['name', 'description', 'posting', 'moderator', 'access', 'expireAfter', 'keepLatest']}
      onSubmit={save}
      actions={actions}
    >
      {!group && (
        <Field
          name="name"
          label={t('news.name')}
          hint={t('news.nameHint')}
          value={name}
          onInput={setName}
          placeholder="lab.staff"
          autocomplete="off"
          spellcheck={false}
          autofocus
        />
      )}
      <Field name="description" label={t('news.description')} value={description} onInput={setDescription} />
      <div class="field-row">
        <Choice
          name="posting"
          label={t('news.posting')}
          value={posting}
          onChoose={setPosting}
          choices={(['yes', 'moderated', 'no'] as const).map((value) => ({ value, label: t(`news.posting_${value}`) }))}
        />
        <Choice<Access>
          name="access"
          label={t('news.access')}
          value={access}
          onChoose={setAccess}
          choices={[
            { value: '', label: t('news.access_server') },
            { value: 'anonymous-read', label: t('news.access_anonymous-read') },
            { value: 'authenticated', label: t('news.access_authenticated') },
          ]}
        />
      </div>
      {posting === 'moderated' && (
        <Field
          name="moderator"
          label={t('news.moderator')}
          hint={t('news.moderatorHint')}
          value={moderator}
          onInput={setModerator}
          placeholder="alice@lab.test"
        />
      )}
      <div class="field-row">
        <Field
          name="expireAfter"
          label={t('news.expireAfter')}
          value={expireAfter}
          onInput={setExpireAfter}
          placeholder="30d"
        />
        <Field
          name="keepLatest"
          label={t('news.keepLatest')}
          value={keepLatest}
          onInput={setKeepLatest}
          inputMode="numeric"
          placeholder="10000"
        />
      </div>
      <label class="check-line">
        <input type="checkbox" checked={suggested} onChange={(event) => setSuggested(event.currentTarget.checked)} />
        {t('news.suggested')}
      </label>
    </Form>
  )
}

/** Asks before a newsgroup is deleted, which cannot be undone. */
function DeleteGroup({
  group: { name, messages, configured },
  onDone,
  onClose,
}: {
  readonly group: Newsgroup
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const remove = (): Promise<void> =>
    call('newsgroups.delete', { name }).then(onDone, (error) => notifyProblem(problemOf(error)))
  return (
    <Dialog
      title={t('news.deleteTitle', { name })}
      size="small"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('shell.cancel')}</Button>
          <Button kind="danger" icon={Trash2} onClick={() => void remove()}>
            {t('news.deleteGroup')}
          </Button>
        </>
      }
    >
      <p>{t('news.deleteHint', { n: messages })}</p>
      {configured && <p>{t('news.deleteConfiguredHint')}</p>}
    </Dialog>
  )
}
