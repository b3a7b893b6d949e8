import { ArrowLeft, Ban, Copy, Download, Mail, MailOpen, Newspaper, Reply, Star } from 'lucide-preact'
import { useEffect } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type InputOf } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Button } from '../../components/button.tsx'
import { copyText } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { notify, notifyProblem } from '../../components/toast.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { download } from '../mail/actions.ts'
import { MessageTabs } from '../mail/message-tabs.tsx'
import { MessageBadges } from '../mail/reader.tsx'
import { addressText, type Message, useMessage } from '../mail/use-message.ts'
import { answerByMail, followUp } from './compose-state.ts'
import { mayManage, type Newsgroup, namesIn } from './groups.ts'
import { groupPath } from './place.ts'

interface ArticleProps {
  readonly id: string
  readonly groups: readonly Newsgroup[]
  readonly onCancel: () => void
  readonly onBack: (() => void) | undefined
}

/** One article: who, where, when, its actions, and the tabs that mail has. */
export function Article({ id, groups, onCancel, onBack }: ArticleProps) {
  const { message, problem, isGone, again } = useMessage(id)
  useEffect(() => {
    if (message?.read === false && mayManage()) change(id, { read: true })
  }, [id, message === undefined])
  if (isGone) return <EmptyState icon={Newspaper} title={t('news.gone')} />
  if (problem) return <ProblemState problem={problem} onRetry={again} />
  if (!message) return <Skeleton lines={10} />
  const title = message.subject || t('mail.noSubject')
  return (
    <article class="reader" aria-label={title}>
      <header class="reader-head">
        <div class="reader-title">
          {onBack && <Button kind="plain" icon={ArrowLeft} label={t('mail.back')} shortcut="u" onClick={onBack} />}
          <h2 dir="auto">{title}</h2>
        </div>
        <Actions message={message} onCancel={onCancel} />
        <ArticleFacts message={message} groups={groups} />
        <MessageBadges message={message} />
      </header>
      <MessageTabs key={id} message={message} />
    </article>
  )
}

const change = (id: string, flags: Omit<InputOf<'messages.update'>, 'id'>): void =>
  void call('messages.update', { id, ...flags }).catch((error) => notifyProblem(problemOf(error)))

function Actions({ message, onCancel }: { readonly message: Message; readonly onCancel: () => void }) {
  const { id, flagged } = message
  return (
    <div class="reader-actions" role="toolbar" aria-label={t('mail.actions')}>
      {may('change') && (
        <>
          <Button icon={Reply} title={`${t('news.followUp')} (f)`} onClick={() => void followUp(id)}>
            {t('news.followUp')}
          </Button>
          <Button
            kind="plain"
            icon={Mail}
            label={t('news.answerByMail')}
            shortcut="r"
            onClick={() => void answerByMail(id)}
          />
        </>
      )}
      {mayManage() && (
        <>
          <Button
            kind="plain"
            icon={MailOpen}
            label={t('mail.markUnread')}
            onClick={() => change(id, { read: false })}
          />
          <Button
            kind="plain"
            icon={Star}
            label={t('mail.flag')}
            aria-pressed={flagged}
            onClick={() => change(id, { flagged: !flagged })}
          />
        </>
      )}
      <Button
        kind="plain"
        icon={Copy}
        label={t('news.copyLink')}
        onClick={() => void copyText(location.href).then((copied) => copied && notify(t('shell.copied')))}
      />
      <Button
        kind="plain"
        icon={Download}
        label={t('mail.download')}
        onClick={() => download({ kind: 'ids', ids: [id] })}
      />
      {may('change') && <Button kind="plain" icon={Ban} label={t('news.cancel')} shortcut="#" onClick={onCancel} />}
    </div>
  )
}

function ArticleFacts({ message, groups }: { readonly message: Message; readonly groups: readonly Newsgroup[] }) {
  const { id, from, date, receivedAt, newsgroup } = message
  const { value } = useLoaded(id, (signal) => call('messages.headers', { id }, { signal }))
  const field = (wanted: string): string | undefined =>
    value?.headers.find(({ name }) => name.toLowerCase() === wanted)?.value
  const followupTo = namesIn(field('followup-to') ?? '')
  const control = field('control')
  return (
    <dl class="facts beside article-facts">
      <Fact name={t('mail.from')}>
        <bdi>{from ? addressText(from) : t('mail.unknownSender')}</bdi>
      </Fact>
      <Fact name={t('news.postedTo')}>
        <GroupLinks names={namesIn(field('newsgroups') ?? newsgroup ?? '')} groups={groups} />
      </Fact>
      {followupTo.length > 0 && (
        <Fact name={t('news.followUps')}>
          {followupTo[0]?.toLowerCase() === 'poster' ? (
            t('news.byMailOnly')
          ) : (
            <GroupLinks names={followupTo} groups={groups} />
          )}
        </Fact>
      )}
      {control !== undefined && (
        <Fact name="Control">
          <code>{control}</code>
        </Fact>
      )}
      <Fact name={t('mail.date')}>{wholeTime(date ?? receivedAt)}</Fact>
    </dl>
  )
}

/** Names of newsgroups, with links to the lab's newsgroups. */
const GroupLinks = ({
  names,
  groups,
}: {
  readonly names: readonly string[]
  readonly groups: readonly Newsgroup[]
}) => (
  <>
    {names.map((name, at) => (
      <span key={name}>
        {at > 0 && ', '}
        {groups.some((one) => one.name === name) ? <Link href={groupPath(name)}>{name}</Link> : name}
      </span>
    ))}
  </>
)
