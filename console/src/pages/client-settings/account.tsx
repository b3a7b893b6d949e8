import { Eye, EyeOff } from 'lucide-preact'
import { Button } from '../../components/button.tsx'
import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { callerState, may, seesLab } from '../../state/caller.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import type { Account, Settings } from './facts.ts'
import { Note } from './warnings.tsx'

interface AccountCardProps {
  readonly settings: Settings
  readonly accounts: readonly Account[]
  readonly isShown: boolean
  readonly onShow: (isShown: boolean) => void
  readonly onAccount: (user: string) => void
}

/** Shows the account of the settings, and what identifies it. The password is masked until it is asked for. */
export function AccountCard({ settings, accounts, isShown, onShow, onAccount }: AccountCardProps) {
  const { user, address, password } = settings
  const own = accounts.find((one) => one.user === user)
  return (
    <section class="client-account" aria-label={t('clientSettings.account')}>
      <dl>
        <div>
          <dt>
            <label for="client-account">{t('clientSettings.account')}</label>
          </dt>
          <dd>
            <select id="client-account" value={user} onChange={(event) => onAccount(event.currentTarget.value)}>
              {!own && <option value={user}>{user}</option>}
              {accounts.map((one) => (
                <option key={one.user} value={one.user}>
                  {one.state === null
                    ? one.user
                    : t('clientSettings.userInState', { user: one.user, state: stateText(one.state) })}
                </option>
              ))}
            </select>
          </dd>
        </div>
        <Fact name={t('clientSettings.address')}>
          <Copyable text={address} label={t('clientSettings.copyAddress')} />
        </Fact>
        <Fact name={t('clientSettings.user')}>
          <Copyable text={user} label={t('clientSettings.copyUser')} />
        </Fact>
        <div>
          <dt>{t('clientSettings.password')}</dt>
          <dd class="client-password">
            <code>{isShown && password !== null ? password : '••••••••'}</code>
            {isShown && password !== null && <CopyButton text={password} label={t('clientSettings.copyPassword')} />}
            {maySeePassword() && (
              <Button
                kind="plain"
                icon={isShown ? EyeOff : Eye}
                label={t(isShown ? 'clientSettings.hidePassword' : 'clientSettings.showPassword')}
                onClick={() => onShow(!isShown)}
              />
            )}
          </dd>
        </div>
      </dl>
      {own?.state && <Note isSerious text={t('clientSettings.cannotLogOn', { user, state: stateText(own.state) })} />}
      {own?.twoFactor && <Note isSerious={own.appPasswords.length === 0} text={t('clientSettings.twoFactor')} />}
    </section>
  )
}

const stateText = (state: NonNullable<Account['state']>): string => t(`clientSettings.state_${state}` as TextKey)

/** Whether the lab tells the caller passwords: administrators, and an account its own. */
export const maySeePassword = (): boolean =>
  callerState.value.name === 'in' && (callerState.value.caller.role === 'account' || (may('administer') && seesLab()))
