import type { VirtualServerInput } from '../../../core/config/schema.ts'
import { acceptAnySender, addAccounts } from '../accounts.ts'
import { limitConsole } from '../console-users.ts'
import { accountsOf, serverOf } from '../draft.ts'
import { missingSettings, setting } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { type Credentials, isOn } from '../values.ts'

/** Users that variables can name. */
const MAX_NUMBERED = 5
const numbers = Array.from({ length: MAX_NUMBERED }, (_, at) => at)

type Method = NonNullable<VirtualServerInput['authentication']>[number]

/** The mechanisms of smtp4dev that the lab has beside any password. */
const mechanisms: Readonly<Record<string, Method>> = { PLAIN: 'plain', LOGIN: 'login', 'CRAM-MD5': 'cram-md5' }

/** Returns the user of `NAME=PASSWORD`. @throws Error */
function userIn(text: string): Credentials {
  const [, user = '', password = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (user === '') throw new Error('write NAME=PASSWORD')
  return { user, password }
}

const userRows = numbers.flatMap((at): Setting[] => {
  const base = `ServerOptions__Users__${at}`
  return [
    {
      variable: base,
      becomes: '`directory.accounts`, as NAME=PASSWORD',
      apply: ({ draft, value, origin }) => addAccounts(draft, [userIn(value)], origin),
    },
    {
      variable: `${base}__Username`,
      becomes: '`directory.accounts`',
      apply({ draft, value, other, origin }) {
        const password = other(`${base}__Password`)
        if (password === undefined) throw new Error(`needs ${base}__Password too`)
        addAccounts(draft, [{ user: value, password }], origin)
      },
    },
    { variable: `${base}__Password`, with: [`${base}__Username`] },
  ]
})

const NO_SCRIPTS = 'the lab runs no expressions; `testing.faults` refuse recipients, commands and log-ons'
/** Applied by `finishUsers`, because it is on if nothing is set. */
const ACCEPTS_ANY = 'ServerOptions__SmtpAllowAnyCredentials'

/** Accepts any name and password unless the settings say otherwise. */
export function finishUsers(draft: Draft, other: SettingCall['other']): void {
  if (isOn(other(ACCEPTS_ANY) ?? 'true')) acceptAnySender(draft)
}

const NO_IDENTITY = 'access tokens are those of the lab; save the configuration and write `oauth2` (docs/accounts.md)'

export const userSettings: readonly Setting[] = [
  {
    flags: ['--user'],
    isRepeated: true,
    becomes: '`directory.accounts`, as NAME=PASSWORD',
    apply: ({ draft, value, origin }) => addAccounts(draft, value.split('\n').map(userIn), origin),
  },
  ...userRows,
  setting(
    'ServerOptions__WebAuthenticationRequired --webauthenticationrequired!',
    '`like.users` and `access.administrators`: the users above',
    ({ draft, value, origin }) => {
      if (!isOn(value)) return
      const users = accountsOf(draft).map(({ user, password = '' }) => ({ user, password }))
      if (users.length === 0) throw new Error('needs users: ServerOptions__Users__0__Username and __Password')
      limitConsole(draft, users, origin)
    },
  ),
  setting(
    'ServerOptions__SmtpEnabledAuthTypesWhenNotSecureConnection --SmtpAuthTypesNotSecure',
    '`authentication` of the SMTP virtual server',
    ({ draft, value }) => {
      const names = value.split(',').map((name) => name.trim().toUpperCase())
      const known = names.flatMap((name) => (Object.hasOwn(mechanisms, name) ? (mechanisms[name] as Method) : []))
      serverOf(draft, 'smtp').authentication = ['anonymous', ...known]
    },
  ),
  setting(
    'ServerOptions__AuthenticationRequired --authenticationrequired!',
    '`authentication` of the SMTP virtual server without `anonymous`',
    ({ draft, value }) => {
      if (!isOn(value)) return
      const smtp = serverOf(draft, 'smtp')
      smtp.authentication = (smtp.authentication ?? []).filter((method) => method !== 'anonymous')
    },
  ),
  {
    variable: ACCEPTS_ANY,
    flags: ['--smtpallowanycredentials'],
    isSwitch: true,
    becomes: '`directory.mode: open`; where accounts are listed, `acceptAnyPassword` of the SMTP virtual server',
    apply({ value }) {
      if (!/^(?:true|false)$/i.test(value)) throw new Error(`"${value}" is neither true nor false`)
    },
  },
  ...missingSettings(
    'the mechanisms are the same with and without TLS',
    'ServerOptions__SmtpEnabledAuthTypesWhenSecureConnection --SmtpAuthTypesSecure',
  ),
  ...['Credentials', 'Recipient', 'Message', 'Command'].map((what) => ({
    variable: `ServerOptions__${what}ValidationExpression`,
    missing: NO_SCRIPTS,
  })),
  ...missingSettings(
    NO_IDENTITY,
    'ServerOptions__OAuth2Authority --oauth2authority',
    'ServerOptions__OAuth2Audience --oauth2audience',
    'ServerOptions__OAuth2Issuer --oauth2issuer',
  ),
]
