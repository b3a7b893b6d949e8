import { PlugZap } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type Schemas } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { Field, Form } from '../../components/form.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { When } from './badges.tsx'
import { type Connector, hostOf } from './facts.ts'
import { useInView } from './use-in-view.ts'

/** One connector: what it does with mail, its last error, and a test of its next host. */
export function ConnectorDetails({ connector }: { readonly connector: Connector }) {
  const { name, lastError, lastSentAt, rewrite, allow, deny, domains, smartHost, when, keepCopy, certificate } =
    connector
  const host = hostOf(connector)
  return (
    <section class="details" ref={useInView()} aria-label={name}>
      <h3>
        {name} <When when={when} />
      </h3>
      <p class="hint">{t(`outgoing.whenHint_${when}`)}</p>
      {lastError && (
        <div class="failure-box">
          <p>
            <strong>{t('outgoing.lastError')}</strong> <RelativeTime at={lastError.at} />
          </p>
          <p>
            <code>{lastError.text}</code>
          </p>
          {lastError.session !== null && <SessionLink id={lastError.session} />}
        </div>
      )}
      <dl class="facts beside wide">
        <Fact name={t('outgoing.nextHost')}>
          {host === undefined ? t('outgoing.byDnsHint') : <Copyable text={host} />}
          {smartHost && ` TLS: ${smartHost.tls}`}
        </Fact>
        {smartHost?.user && <Fact name={t('outgoing.user')}>{smartHost.user}</Fact>}
        <Fact name={t('outgoing.domains')}>{domains.join(', ')}</Fact>
        {rewrite.to !== null && (
          <Fact name={t('outgoing.rewriteTo')}>{t('outgoing.rewriteToHint', { address: rewrite.to })}</Fact>
        )}
        {rewrite.from !== null && <Fact name={t('outgoing.rewriteFrom')}>{rewrite.from}</Fact>}
        {allow && <Fact name={t('outgoing.allow')}>{allow.join(', ')}</Fact>}
        {deny.length > 0 && <Fact name={t('outgoing.deny')}>{deny.join(', ')}</Fact>}
        {when === 'automatic' && !keepCopy && <Fact name={t('outgoing.copy')}>{t('outgoing.noCopy')}</Fact>}
        {certificate !== null && <Fact name={t('outgoing.certificate')}>{certificate}</Fact>}
        {lastSentAt !== null && (
          <Fact name={t('outgoing.lastSent')}>
            <RelativeTime at={lastSentAt} />
          </Fact>
        )}
      </dl>
      {may('administer') && <TestConnector connector={connector} />}
    </section>
  )
}

/** A link to a session record. */
export const SessionLink = ({ id }: { readonly id: string }) => (
  <Link href={pathWith(['sessions', id])}>{t('outgoing.session')}</Link>
)

/** Connects to the next host without sending mail and shows each step. */
function TestConnector({ connector: { id, smartHost, domains } }: { readonly connector: Connector }) {
  const [domain, setDomain] = useState(domains.find((one) => !one.includes('*')) ?? '')
  const [result, setResult] = useState<Schemas['ConnectorTest']>()
  const [problem, setProblem] = useState<Problem>()
  const [isRunning, setRunning] = useState(false)
  const run = async (): Promise<void> => {
    setRunning(true)
    setProblem(undefined)
    try {
      setResult(await call('connectors.test', { id, ...(smartHost ? {} : { domain: domain.trim() || undefined }) }))
    } catch (error) {
      setResult(undefined)
      setProblem(problemOf(error))
    } finally {
      setRunning(false)
    }
  }
  return (
    <section class="connector-test" aria-label={t('outgoing.test')}>
      {smartHost ? (
        <div class="buttons">
          <Button icon={PlugZap} disabled={isRunning} onClick={() => void run()}>
            {t('outgoing.test')}
          </Button>
          <span class="hint">{t('outgoing.testHint')}</span>
        </div>
      ) : (
        <Form submit={t('outgoing.test')} fields={['domain']} onSubmit={run}>
          <Field
            name="domain"
            label={t('outgoing.testDomain')}
            hint={t('outgoing.testHint')}
            placeholder="example.test"
            value={domain}
            onInput={setDomain}
          />
        </Form>
      )}
      <div role="status">
        {isRunning && <p class="hint">{t('outgoing.testing')}</p>}
        {!isRunning && problem && (
          <p class="form-problem">
            <strong>{problem.title}.</strong> {problem.message}
          </p>
        )}
        {!isRunning && result && <TestResult result={result} />}
      </div>
    </section>
  )
}

const TestResult = ({ result: { ok, host, port, session, steps } }: { readonly result: Schemas['ConnectorTest'] }) => (
  <>
    <p>
      <Badge tone={ok ? 'good' : 'bad'}>{t(ok ? 'outgoing.testPassed' : 'outgoing.testFailed')}</Badge>{' '}
      {host !== null && <code>{port === null ? host : `${host}:${port}`}</code>}
    </p>
    <ol class="test-steps">
      {steps.map((one, index) => (
        <li key={index}>
          <Badge tone={one.ok ? 'good' : 'bad'}>{t(one.ok ? 'outgoing.stepOk' : 'outgoing.stepFailed')}</Badge>
          <strong>{one.step}</strong>
          <span>{one.text}</span>
        </li>
      ))}
    </ol>
    {session !== null && <SessionLink id={session} />}
  </>
)
