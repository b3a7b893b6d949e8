import { useState } from 'preact/hooks'
import { Field, Form } from '../components/form.tsx'
import { Tabs } from '../components/tabs.tsx'
import { basicAuthorization, logOn } from '../state/caller.ts'
import { t } from '../texts/index.ts'
import { TopBarPreferences } from './top-bar-preferences.tsx'

type Way = 'account' | 'token'

/** The page of those who are not logged on. */
export function LogOnPage() {
  const [way, setWay] = useState<Way>('account')
  return (
    <main class="log-on">
      <div class="log-on-box">
        <h1>
          <img src="icon.svg" alt="" width="32" height="32" /> Sealpost
        </h1>
        <p>{t('shell.logOnIntro')}</p>
        <Tabs<Way>
          label={t('shell.logOn')}
          tabs={[
            { name: 'account', label: t('shell.account') },
            { name: 'token', label: t('shell.token') },
          ]}
          selected={way}
          onSelect={setWay}
        >
          {way === 'account' ? <AccountForm /> : <TokenForm />}
        </Tabs>
      </div>
      <TopBarPreferences />
    </main>
  )
}

function AccountForm() {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  return (
    <Form submit={t('shell.logOn')} fields={[]} onSubmit={() => logOn(basicAuthorization(user, password))}>
      <Field
        name="user"
        label={t('shell.user')}
        value={user}
        onInput={setUser}
        autocomplete="username"
        autocapitalize="none"
      />
      <Field
        name="password"
        label={t('shell.password')}
        value={password}
        onInput={setPassword}
        type="password"
        autocomplete="current-password"
      />
    </Form>
  )
}

function TokenForm() {
  const [token, setToken] = useState('')
  return (
    <Form submit={t('shell.logOn')} fields={[]} onSubmit={() => logOn(`Bearer ${token.trim()}`)}>
      <Field
        name="token"
        label={t('shell.token')}
        hint={t('shell.tokenHint')}
        value={token}
        onInput={setToken}
        type="password"
        autocomplete="off"
      />
    </Form>
  )
}
