import { Link } from 'wouter-preact'
import { Button } from '../../components/button.tsx'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { sizeText } from '../../components/size.ts'
import { pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { actionsOf } from './actions.ts'
import { State } from './badges.tsx'
import { SessionLink } from './connector.tsx'
import type { Queued } from './facts.ts'
import { useInView } from './use-in-view.ts'

/** One message of the queue: what can be done with it, its times, and the last reply for each recipient. */
export function QueuedDetails({ message, onDone }: { readonly message: Queued; readonly onDone: () => Promise<void> }) {
  const { subject, mailFrom, connector, destination, attempts, queuedAt, nextAttemptAt, givesUpAt } = message
  return (
    <section class="details" ref={useInView()} aria-label={subject || t('outgoing.noSubject')}>
      <h3>
        {subject || t('outgoing.noSubject')} <State of={message.state} />
      </h3>
      {message.reason !== null && message.recipients.every(({ text }) => text !== message.reason) && (
        <p class="hint">{message.reason}</p>
      )}
      {may('administer') && (
        <div class="buttons" role="toolbar" aria-label={t('outgoing.actions')}>
          {actionsOf(message, onDone).map(({ icon, label, run }) => (
            <Button key={label} icon={icon} onClick={run}>
              {label}
            </Button>
          ))}
        </div>
      )}
      <dl class="facts beside wide">
        <Fact name={t('outgoing.sender')}>{mailFrom || '<>'}</Fact>
        <Fact name={t('outgoing.connector')}>{t('outgoing.connectorTo', { connector, destination })}</Fact>
        <Fact name={t('outgoing.size')}>{sizeText(message.sizeOctets)}</Fact>
        <Fact name={t('outgoing.queued')}>
          <RelativeTime at={queuedAt} />
        </Fact>
        <Fact name={t('outgoing.attempts')}>
          {formatNumber(attempts)} {message.lastSession !== null && <SessionLink id={message.lastSession} />}
        </Fact>
        {nextAttemptAt !== null && (
          <Fact name={t('outgoing.next')}>
            <RelativeTime at={nextAttemptAt} />
          </Fact>
        )}
        {givesUpAt !== null && (
          <Fact name={t('outgoing.givesUp')}>
            <RelativeTime at={givesUpAt} />
          </Fact>
        )}
        {message.session !== null && (
          <Fact name={t('outgoing.receivedBy')}>
            <Link href={pathWith(['sessions', message.session])}>{message.session}</Link>
          </Fact>
        )}
      </dl>
      <h4>{t('outgoing.recipients')}</h4>
      <ul class="recipients">
        {message.recipients.map(({ address, kind, text }) => (
          <li key={address}>
            <strong>{address}</strong>
            <State of={kind} />
            {text !== null && <code>{text}</code>}
          </li>
        ))}
      </ul>
    </section>
  )
}
