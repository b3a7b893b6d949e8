import { Inbox, SearchX } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { EmptyState } from '../../components/states.tsx'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { sendTestMail } from './actions.ts'
import { isPlain, type MailFilter } from './filter.ts'
import { folders } from './folders.ts'

type Server = OutputOf<'virtualServers.list'>['items'][number]

/** An empty list: nothing was found, or how to send the first message. */
export function EmptyList({ filter }: { readonly filter: MailFilter }) {
  if (!isPlain(filter)) {
    return (
      <EmptyState icon={SearchX} title={t('mail.nothingFound')}>
        <p>{t('mail.nothingFoundHint')}</p>
      </EmptyState>
    )
  }
  return <FirstSteps filter={filter} />
}

function FirstSteps({ filter: { account, folder, newsgroup, captured } }: { readonly filter: MailFilter }) {
  const [server, setServer] = useState<Server>()
  const [domain, setDomain] = useState('lab.test')
  useEffect(() => {
    call('virtualServers.list', {}).then(
      ({ items }) =>
        setServer(items.find((one) => one.protocol === 'smtp' && one.port !== null && !one.requireSecureChannel)),
      () => {},
    )
    call('status.get', {}).then(
      (status) => setDomain(status.domain),
      () => {},
    )
  }, [])
  const user = account ?? folders.value?.find((one) => one.account !== null)?.account ?? 'alice'
  const isIncoming = (folder === undefined || folder === 'INBOX') && newsgroup === undefined
  if (!isIncoming && !captured) return <EmptyState icon={Inbox} title={t('mail.emptyFolder')} />
  const { hostname: host } = location
  const port = server?.port ?? 25
  const to = captured ? 'customer@example.com' : `${user}@${domain}`
  const swaks = `swaks --server ${host}:${port} --to ${to} --header "Subject: Hello"`
  const nodemailer = [
    "import { createTransport } from 'nodemailer'",
    `const mail = createTransport({ host: '${host}', port: ${port}, ignoreTLS: true })`,
    `await mail.sendMail({ from: 'app@example.com', to: '${to}', subject: 'Hello', text: 'It works' })`,
  ].join('\n')
  return (
    <EmptyState icon={Inbox} title={t('mail.emptyInbox')}>
      <p>{t('mail.emptyInboxHint')}</p>
      <dl class="first-steps">
        <div>
          <dt>{t('mail.host')}</dt>
          <dd>
            <Copyable text={host} />
          </dd>
        </div>
        <div>
          <dt>{t('mail.port')}</dt>
          <dd>
            <Copyable text={`${port}`} />
          </dd>
        </div>
      </dl>
      {[swaks, nodemailer].map((example) => (
        <div key={example} class="example">
          <pre tabIndex={0}>{example}</pre>
          <CopyButton text={example} />
        </div>
      ))}
      {may('change') && (
        <Button kind="primary" onClick={() => void sendTestMail(captured ? to : user)}>
          {t('mail.sendTest')}
        </Button>
      )}
    </EmptyState>
  )
}
