import { useState } from 'preact/hooks'
import { Problem, problemOf } from '../api/problem.ts'
import { Field, Form } from '../components/form.tsx'
import { Tabs } from '../components/tabs.tsx'
import { basicAuthorization, callerState, logOn } from '../state/caller.ts'
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
        <WhyOut />
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

/** Says why the page is shown to somebody who has followed a link or was logged on. */
function WhyOut() {
  const state = callerState.value
  if (state.name !== 'out' || state.reason === undefined) return null
  return (
    <p class="refusals" role="alert">
      {t(state.reason === 'token' ? 'shell.badTokenLink' : 'shell.sessionEnded')}
    </p>
  )
}

/** Logs on. A refusal names what was wrong, rather than asking to log on. @throws Problem */
const logOnOrSayWhy = (authorization: string): Promise<void> =>
  logOn(authorization).catch((error) => {
    const problem = problemOf(error)
    if (problem.status !== 401) throw problem
    const { status, kind, message: detail } = problem
    throw new Problem({ status, kind, title: t('shell.logOnRefused'), detail })
  })

function AccountForm() {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  return (
    <Form submit={t('shell.logOn')} fields={[]} onSubmit={() => logOnOrSayWhy(basicAuthorization(user, password))}>
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
    <Form submit={t('shell.logOn')} fields={[]} onSubmit={() => logOnOrSayWhy(`Bearer ${token.trim()}`)}>
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
