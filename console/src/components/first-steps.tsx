import { Inbox } from 'lucide-preact'
import { call, urlTo } from '../api/client.ts'
import { problemOf } from '../api/problem.ts'
import { useLoaded } from '../api/use-loaded.ts'
import { hrefOf, pathWith } from '../router.ts'
import { may } from '../state/caller.ts'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'
import { ConnectTo } from './connect-to.tsx'
import { Copyable, CopyButton } from './copy-button.tsx'
import { Fact } from './fact.tsx'
import { RecipeLinks } from './recipe-links.tsx'
import { EmptyState } from './states.tsx'
import { notify, notifyProblem } from './toast.tsx'

interface FirstStepsProps {
  /** The account that gets the first message. */
  readonly user: string
  /** Another recipient than the address of the account. */
  readonly to?: string
}

const TRUST = 'sealpost trust install'

/** How to send the first message: host, port, lines to copy, and a button that sends one. */
export function FirstSteps({ user, to }: FirstStepsProps) {
  const { value: servers } = useLoaded('servers', (signal) => call('virtualServers.list', {}, { signal }))
  const { value: status } = useLoaded('status', (signal) => call('status.get', {}, { signal }))
  const domain = status?.domain ?? 'lab.test'
  const { hostname: host } = location
  const find = (protocol: string) =>
    servers?.items.find((one) => one.protocol === protocol && one.port !== null && !one.requireSecureChannel)
  const port = find('smtp')?.port ?? 25
  const imap4 = find('imap4')?.port
  const recipient = to ?? `${user}@${domain}`
  const swaks = `swaks --server ${host}:${port} --to ${recipient} --header "Subject: Hello"`
  const nodemailer = [
    "import { createTransport } from 'nodemailer'",
    `const mail = createTransport({ host: '${host}', port: ${port}, ignoreTLS: true })`,
    `await mail.sendMail({ from: 'app@example.com', to: '${recipient}', subject: 'Hello', text: 'It works' })`,
  ].join('\n')
  return (
    <EmptyState icon={Inbox} title={t('mail.emptyInbox')}>
      <p>{t('mail.emptyInboxHint')}</p>
      <ConnectTo host={host} port={port} examples={[swaks, nodemailer]} />
      {may('change') && (
        <Button kind="primary" onClick={() => void sendTestMail(to ?? user)}>
          {t('mail.sendTest')}
        </Button>
      )}
      {!to && (
        <>
          <h3>{t('mail.firstSettings')}</h3>
          <dl class="first-steps">
            <Fact name={t('mail.firstAccount')}>
              <Copyable text={user} />
            </Fact>
            <Fact name="SMTP">
              <Copyable text={`${host}:${port}`} />
            </Fact>
            {imap4 && (
              <Fact name="IMAP">
                <Copyable text={`${host}:${imap4}`} />
              </Fact>
            )}
          </dl>
          <p>
            <a href={hrefOf(pathWith(['client-settings'], { account: user }))}>{t('mail.firstPrograms')}</a>
          </p>
          <h3>{t('mail.firstTrust')}</h3>
          <div class="example">
            <pre tabIndex={0}>{TRUST}</pre>
            <CopyButton text={TRUST} />
          </div>
          <p>
            <a href={urlTo('authorities.roots', { format: 'pem' })} download="lab-ca.pem">
              {t('mail.firstRoot')}
            </a>
          </p>
          <h3>{t('shell.recipes')}</h3>
          <RecipeLinks />
        </>
      )}
    </EmptyState>
  )
}

/** Sends a message to an account, so that there is something to look at. */
async function sendTestMail(to: string): Promise<void> {
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">',
    '<style>body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f6f9;color:#1b1f26}',
    '.card{max-width:560px;margin:32px auto;padding:32px;border-radius:12px;background:#fff}',
    '.code{font:700 32px/1 ui-monospace,monospace;letter-spacing:6px}a{color:#1d5fd6}',
    '@media (prefers-color-scheme:dark){body{background:#101216;color:#e6e9ee}.card{background:#1e2128}a{color:#7fb0ff}}',
    '</style></head><body><div class="card"><h1>It works</h1><p>Sealpost has delivered this message.</p>',
    '<p>Your code is</p><p class="code">471147</p><p><a href="https://example.com/confirm?token=4711">Confirm the address</a></p>',
    '</div></body></html>',
  ].join('')
  await call('messages.send', {
    from: 'Sealpost <sealpost@example.com>',
    to: [to],
    subject: t('mail.testSubject'),
    text: 'It works\n\nSealpost has delivered this message.\n\nYour code is 471147.\nConfirm the address: https://example.com/confirm?token=4711\n',
    html,
  }).then(
    () => notify(t('mail.testSent', { to })),
    (error) => notifyProblem(problemOf(error)),
  )
}
