import { ArrowLeft } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { Field, Form } from '../../components/form.tsx'
import { Prose } from '../../components/prose.tsx'
import { navigate, useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { checkText } from './check-text.ts'
import { checkGroups, groupNames } from './checks.ts'
import { Check, Choices, Select } from './inputs.tsx'

const PROTOCOLS = ['smtp', 'pop3', 'imap4', 'nntp', 'lmtp', 'managesieve', 'http', 'jmap'] as const
const FORMS = ['starttls', 'implicit'] as const
/** Events after which the virtual servers or the accounts may differ. */
const CHANGES = ['configuration.reloaded', 'lab.reset']

/** Chooses what a verify examines: virtual servers of the lab or another server, and which checks are made. */
export function VerifyForm() {
  const { query } = useRoute()
  const { value } = useLive(readLab, ({ name }) => CHANGES.includes(name))
  const [isHost, setHost] = useState(query.has('host'))
  const [left, leaveOut] = useState<ReadonlySet<string>>(new Set())
  const [host, setHostName] = useState(query.get('host') ?? '')
  const [protocol, setProtocol] = useState('')
  const [port, setPort] = useState('')
  const [form, setForm] = useState('')
  const [serverName, setServerName] = useState('')
  const [ca, setCa] = useState('')
  const [isSome, setSome] = useState(false)
  const [only, setOnly] = useState<ReadonlySet<string>>(new Set())
  const [user, setUser] = useState('')
  const start = async (): Promise<void> => {
    const chosen = value?.servers.filter(({ id }) => !left.has(id)).map(({ id }) => id)
    const where = isHost
      ? {
          host,
          ...(protocol && { protocols: [protocol] }),
          ...(port && { port: Number(port) }),
          ...(form && { form }),
          ...(serverName && { serverName }),
          ...(ca && { ca }),
        }
      : left.size > 0 && { virtualServers: chosen }
    const input = { ...where, ...(isSome && { only: [...only] }), ...(user && { user }) }
    const { id } = await call('verify.start', input as InputOf<'verify.start'>)
    navigate(`/verify/${id}`)
  }
  const toggled = (set: ReadonlySet<string>, name: string): ReadonlySet<string> => {
    const next = new Set(set)
    if (!next.delete(name)) next.add(name)
    return next
  }
  return (
    <section class="verify-form" aria-label={t('verify.choose')}>
      <header>
        <Button kind="plain" icon={ArrowLeft} label={t('verify.back')} onClick={() => navigate('/verify')} />
        <h2>{t('verify.newVerify')}</h2>
      </header>
      <Form onSubmit={start} submit={t('verify.run')} fields={['host', 'port', 'serverName', 'ca']}>
        <fieldset>
          <legend>{t('verify.what')}</legend>
          <Choices
            name="what"
            value={isHost ? 'host' : 'lab'}
            onChange={(chosen) => setHost(chosen === 'host')}
            options={[
              ['lab', t('verify.ofLab')],
              ['host', t('verify.ofHost')],
            ]}
          />
          {isHost ? (
            <div class="verify-host">
              <Field
                name="host"
                label={t('verify.host')}
                hint={<Prose text={t('verify.hostHint')} />}
                value={host}
                onInput={setHostName}
              />
              <Select
                label={t('verify.protocol')}
                value={protocol}
                onChange={setProtocol}
                options={[['', t('verify.anyProtocol')], ...PROTOCOLS.map((one) => [one, one.toUpperCase()] as const)]}
              />
              <Field
                name="port"
                inputMode="numeric"
                label={t('verify.port')}
                hint={t('verify.portHint')}
                value={port}
                onInput={setPort}
              />
              <Select
                label={t('verify.form')}
                value={form}
                onChange={setForm}
                options={[['', t('verify.anyForm')], ...FORMS.map((one) => [one, t(`verify.form_${one}`)] as const)]}
              />
              <Field
                name="serverName"
                label={t('verify.serverName')}
                hint={t('verify.serverNameHint')}
                value={serverName}
                onInput={setServerName}
              />
              <Field name="ca" label={t('verify.ca')} hint={t('verify.caHint')} rows={4} value={ca} onInput={setCa} />
            </div>
          ) : (
            <div class="verify-checks">
              {value?.servers.map(({ id, name, port: clear, tlsPort }) => (
                <Check key={id} checked={!left.has(id)} onChange={() => leaveOut(toggled(left, id))}>
                  {name} <span class="hint">{[clear, tlsPort].filter(Boolean).join(', ')}</span>
                </Check>
              ))}
            </div>
          )}
        </fieldset>
        <fieldset>
          <legend>{t('verify.checks')}</legend>
          <Choices
            name="checks"
            value={isSome ? 'some' : 'all'}
            onChange={(chosen) => setSome(chosen === 'some')}
            options={[
              ['all', t('verify.allChecks')],
              ['some', t('verify.someChecks')],
            ]}
          />
          {isSome &&
            groupNames.map((group) => (
              <fieldset key={group} class="verify-group">
                <legend>{t(`verify.group_${group}`)}</legend>
                <div class="verify-checks">
                  {checkGroups[group].map((check) => (
                    <Check key={check} checked={only.has(check)} onChange={() => setOnly(toggled(only, check))}>
                      <span title={checkText(check, 'why')}>{checkText(check, 'title')}</span>
                    </Check>
                  ))}
                </div>
              </fieldset>
            ))}
        </fieldset>
        <fieldset>
          <legend>{t('verify.delivery')}</legend>
          <p class="hint">{t('verify.deliveryHint')}</p>
          <Select
            label={t('verify.account')}
            value={user}
            onChange={setUser}
            options={[['', t('verify.noAccount')], ...(value?.users ?? []).map((one) => [one, one] as const)]}
          />
        </fieldset>
      </Form>
    </section>
  )
}

async function readLab() {
  const [{ items: servers }, { items: accounts }] = await Promise.all([
    call('virtualServers.list', {}),
    call('accounts.list', {}),
  ])
  return { servers, users: accounts.map(({ user }) => user) }
}
