import {
  ArrowLeft,
  Copy,
  Download,
  FolderInput,
  Lock,
  LockOpen,
  MailOpen,
  Reply,
  ReplyAll,
  Send,
  Star,
  Tag,
  Trash2,
} from 'lucide-preact'
import { Fragment } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { copyText } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { notify } from '../../components/toast.tsx'
import { may, seesLab } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { mayManage } from '../news/groups.ts'
import { download, mark } from './actions.ts'
import { answer } from './answer.ts'
import { MoveDialog, TagDialog } from './dialogs.tsx'
import { MessageActions } from './message-actions.tsx'
import { MessageTabs } from './message-tabs.tsx'
import { OpenInNews } from './open-in-news.tsx'
import { Release } from './release.tsx'
import { SmimeBadges } from './smime-badges.tsx'
import { ThreadStrip } from './thread-strip.tsx'
import { type Mail, takesFocus, useRead } from './use-mail.ts'
import { addressText, type Message, useMessage } from './use-message.ts'

/** One message: who, what, how it came, its actions and its tabs. */
export function Reader({
  mail,
  id,
  onBack,
}: {
  readonly mail: Mail
  readonly id: string
  readonly onBack?: (() => void) | undefined
}) {
  const { list } = mail
  const { message: current, problem, isGone, again } = useMessage(id)
  useRead(list, id, current && (current.newsgroup === null || mayManage()) ? current.read : undefined)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!current || !takesFocus.current) return
    takesFocus.current = false
    heading.current?.focus()
  }, [current?.id])
  if (isGone) return <EmptyState icon={Trash2} title={t('mail.gone')} />
  if (problem) return <ProblemState problem={problem} onRetry={again} />
  if (!current) return <Skeleton lines={10} />
  return (
    <article class="reader" aria-label={current.subject || t('mail.noSubject')}>
      <header class="reader-head">
        <div class="reader-title">
          {onBack && <Button kind="plain" icon={ArrowLeft} label={t('mail.back')} shortcut="u" onClick={onBack} />}
          <h2 dir="auto" ref={heading} tabIndex={-1}>
            {current.subject || t('mail.noSubject')}
          </h2>
        </div>
        <ReaderActions mail={mail} message={current} />
        <MessageFacts message={current} />
        <ThreadStrip key={id} mail={mail} message={current} />
      </header>
      <MessageTabs key={id} message={current} />
    </article>
  )
}

function ReaderActions({ mail: { list, remove }, message }: { readonly mail: Mail; readonly message: Message }) {
  const [asked, setAsked] = useState<'move' | 'tag' | 'release'>()
  const { id, account, newsgroup, folder, flagged, tags } = message
  const choice = { kind: 'ids', ids: [id] } as const
  const close = (): void => setAsked(undefined)
  return (
    <div class="reader-actions" role="toolbar" aria-label={t('mail.actions')}>
      {may('change') && (
        <>
          <Button icon={Reply} title={`${t('mail.reply')} (r)`} onClick={() => void answer(id, false)}>
            {t('mail.reply')}
          </Button>
          <Button
            kind="plain"
            icon={ReplyAll}
            label={t('mail.replyAll')}
            shortcut="a"
            onClick={() => void answer(id, true)}
          />
          {(newsgroup === null || mayManage()) && (
            <>
              <Button
                kind="plain"
                icon={MailOpen}
                label={t('mail.markUnread')}
                onClick={() => mark(list, choice, { read: false })}
              />
              <Button
                kind="plain"
                icon={Star}
                label={t('mail.flag')}
                aria-pressed={flagged}
                onClick={() => mark(list, choice, { flagged: !flagged })}
              />
              <Button kind="plain" icon={Tag} label={t('mail.tag')} onClick={() => setAsked('tag')} />
            </>
          )}
          {account !== null && (
            <Button kind="plain" icon={FolderInput} label={t('mail.move')} onClick={() => setAsked('move')} />
          )}
        </>
      )}
      {newsgroup === null && seesLab() && may('administer') && (
        <Button kind="plain" icon={Send} label={t('mail.release')} onClick={() => setAsked('release')} />
      )}
      <MessageActions message={message} />
      {newsgroup !== null && <OpenInNews newsgroup={newsgroup} article={id} onlyIcon />}
      <Button
        kind="plain"
        icon={Copy}
        label={t('mail.copyLink')}
        onClick={() => void copyText(location.href).then((copied) => copied && notify(t('shell.copied')))}
      />
      <Button kind="plain" icon={Download} label={t('mail.download')} onClick={() => download(choice)} />
      {may('change') && (newsgroup === null || mayManage()) && (
        <Button kind="plain" icon={Trash2} label={t('mail.delete')} shortcut="#" onClick={() => remove([id])} />
      )}
      {asked === 'release' && (
        <Release
          title={t('mail.releaseTitle', { subject: message.subject || t('mail.noSubject') })}
          messages={{ ids: [id] }}
          recipients={recipientsOf(message)}
          onClose={close}
        />
      )}
      {asked === 'tag' && <TagDialog list={list} choice={choice} present={tags} onClose={close} />}
      {asked === 'move' && (
        <MoveDialog
          list={list}
          ids={[id]}
          filter={{ account: account ?? undefined, folder: folder.name }}
          onClose={close}
        />
      )}
    </div>
  )
}

/** Returns who gets a message that is released: the recipients of its envelope, or of its header. */
const recipientsOf = ({ envelope, to, cc }: Message): readonly string[] =>
  envelope && envelope.to.length > 0 ? envelope.to : [...to, ...cc].map(({ address }) => address)

/** Addresses of a header, each in its own direction of writing. */
const Addresses = ({ list }: { readonly list: Message['to'] }) => (
  <>
    {list.map((one, index) => (
      <Fragment key={index}>
        {index > 0 && ', '}
        <bdi>{addressText(one)}</bdi>
      </Fragment>
    ))}
  </>
)

/** A field that the header does not have, with the addresses of the envelope in its place. */
const Missing = ({ envelope }: { readonly envelope: readonly string[] }) => (
  <>
    {envelope.length > 0 && `${envelope.join(', ')} · `}
    <span class="hint">{t(envelope.length > 0 ? 'mail.ofEnvelope' : 'mail.notInHeader')}</span>
  </>
)

/** The facts in the header of a message, and those of its envelope that the header does not have. */
function MessageFacts({ message }: { readonly message: Message }) {
  const { from, to, cc, date, receivedAt, newsgroup, envelope, sentBy } = message
  const addresses = new Set([...to, ...cc].map(({ address }) => address.toLowerCase()))
  const blind = (envelope?.to ?? []).filter((one) => !addresses.has(one.toLowerCase()))
  return (
    <>
      <dl class="facts beside">
        <Fact name={t('mail.from')}>
          {from ? <bdi>{addressText(from)}</bdi> : <Missing envelope={envelope?.from ? [envelope.from] : []} />}
        </Fact>
        <Fact name={t('mail.to')}>
          {newsgroup ?? (to.length > 0 ? <Addresses list={to} /> : <Missing envelope={cc.length > 0 ? [] : blind} />)}
        </Fact>
        {cc.length > 0 && (
          <Fact name={t('mail.cc')}>
            <Addresses list={cc} />
          </Fact>
        )}
        {blind.length > 0 && to.length + cc.length > 0 && (
          <Fact name={t('mail.envelopeOnly')}>
            <span title={t('mail.envelopeOnlyHint')}>{blind.join(', ')}</span>
          </Fact>
        )}
        {sentBy && (
          <Fact name={t('mail.sentBy')}>{t('mail.sentByKey', { provider: sentBy.name, key: sentBy.key })}</Fact>
        )}
        <Fact name={t('mail.date')}>{wholeTime(date ?? receivedAt)}</Fact>
      </dl>
      <MessageBadges message={message} />
    </>
  )
}

/** How a message came, whose it is, and its tags. */
export function MessageBadges({ message }: { readonly message: Message }) {
  const { captured, account, tags, delivery, smime } = message
  const tls = (delivery as { tls?: { version: string; cipher: string; bits: number } } | null)?.tls
  return (
    <div class="badges">
      {captured && <Badge tone="warning">{t('mail.capturedBadge')}</Badge>}
      {account !== null && <Badge>{account}</Badge>}
      {tls && (
        <Badge tone="good" icon={Lock} title={tls.cipher}>
          {tls.version.replace('TLSv', 'TLS ')} · {tls.bits} bit
        </Badge>
      )}
      {delivery !== null && !tls && (
        <Badge tone="warning" icon={LockOpen}>
          {t('mail.clearText')}
        </Badge>
      )}
      <SmimeBadges smime={smime} />
      {tags.map((tag) => (
        <Badge key={tag} tone="accent" icon={Tag}>
          {tag}
        </Badge>
      ))}
    </div>
  )
}
