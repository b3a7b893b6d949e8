import { ArrowLeft } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call, type InputOf } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Field, Form } from '../../components/form.tsx'
import { navigate } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { badServerNames } from './bad-server-names.ts'
import { Check, Select } from './inputs.tsx'

const PROTOCOLS = ['smtp', 'pop3', 'imap4', 'nntp', 'lmtp', 'managesieve', 'http']
const FORMS = ['starttls', 'implicit'] as const
const TIMES = ['10m', '30m', '1h'] as const

/** Chooses the bad servers that a client is run against. */
export function AuditForm() {
  const [protocols, setProtocols] = useState<readonly string[]>(['smtp'])
  const [forms, setForms] = useState<readonly string[]>(FORMS)
  const [names, setNames] = useState('')
  const [timeout, setTimeout] = useState<string>(TIMES[0])
  const only = names.split(/[\s,]+/).filter(Boolean)
  const start = async (): Promise<void> => {
    const input = { protocols, forms, timeout, ...(only.length > 0 && { names: only }) }
    const { id } = await call('audit.start', input as InputOf<'audit.start'>)
    navigate(`/verify/${id}`)
  }
  const toggled = (list: readonly string[], name: string): readonly string[] =>
    list.includes(name) ? list.filter((one) => one !== name) : [...list, name]
  return (
    <section class="verify-form" aria-label={t('verify.startAudit')}>
      <header>
        <Button kind="plain" icon={ArrowLeft} label={t('verify.back')} onClick={() => navigate('/verify')} />
        <h2>{t('verify.newAudit')}</h2>
      </header>
      <p>{t('verify.auditIntro')}</p>
      <Form onSubmit={start} submit={t('verify.openServers')} fields={['names']}>
        <fieldset>
          <legend>{t('verify.clientSpeaks')}</legend>
          <div class="verify-checks">
            {PROTOCOLS.map((one) => (
              <Check key={one} checked={protocols.includes(one)} onChange={() => setProtocols(toggled(protocols, one))}>
                {one.toUpperCase()}
              </Check>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>{t('verify.form')}</legend>
          <div class="verify-checks">
            {FORMS.map((one) => (
              <Check key={one} checked={forms.includes(one)} onChange={() => setForms(toggled(forms, one))}>
                {t(`verify.form_${one}`)}
              </Check>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>{t('verify.badServers')}</legend>
          <Field
            name="names"
            label={t('verify.names')}
            hint={t('verify.namesHint')}
            placeholder="expired, wrong-host, starttls-stripped"
            value={names}
            onInput={setNames}
          />
          <details class="verify-names">
            <summary>{t('verify.chooseNames')}</summary>
            <div class="verify-checks">
              {badServerNames.map((one) => (
                <Check key={one} checked={only.includes(one)} onChange={() => setNames(toggled(only, one).join(', '))}>
                  {one}
                </Check>
              ))}
            </div>
          </details>
          <Select
            label={t('verify.openFor')}
            value={timeout}
            onChange={setTimeout}
            options={TIMES.map((one) => [one, t(`verify.time_${one}`)] as const)}
          />
        </fieldset>
      </Form>
    </section>
  )
}
