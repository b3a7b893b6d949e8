import { problemOf } from '../api/problem.ts'
import { Button } from '../components/button.tsx'
import { notifyProblem } from '../components/toast.tsx'
import { type Language, language, languages, type Theme, theme } from '../state/preferences.ts'
import { changeLanguage, t } from '../texts/index.ts'
import { icons } from './icons.ts'

const NAMES: Readonly<Record<Language, string>> = { en: 'English', ja: '日本語', de: 'Deutsch' }
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }

/** Returns the texts of the themes. */
const themeText = (one: Theme): string =>
  ({ system: t('shell.themeSystem'), light: t('shell.themeLight'), dark: t('shell.themeDark') })[one]

export const nextTheme = (): void => {
  theme.value = NEXT[theme.value]
}

/** The choices of theme and language. */
export const TopBarPreferences = () => (
  <>
    <select
      class="plain-select"
      aria-label={t('shell.language')}
      title={t('shell.language')}
      value={language.value}
      onChange={({ currentTarget: select }) =>
        changeLanguage(select.value as Language).catch((error) => {
          select.value = language.value
          notifyProblem(problemOf(error))
        })
      }
    >
      {languages.map((one) => (
        <option key={one} value={one} lang={one}>
          {NAMES[one]}
        </option>
      ))}
    </select>
    <Button
      kind="plain"
      icon={icons[theme.value]}
      label={t('shell.theme', { theme: themeText(theme.value) })}
      onClick={nextTheme}
    />
  </>
)
