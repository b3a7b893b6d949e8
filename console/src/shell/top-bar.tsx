import { problemOf } from '../api/problem.ts'
import { Button } from '../components/button.tsx'
import { Glyph } from '../components/icon.tsx'
import { timeZone } from '../components/relative-time.tsx'
import { notifyProblem } from '../components/toast.tsx'
import { callerState, logOff } from '../state/caller.ts'
import { t } from '../texts/index.ts'
import { isHelpOpen, isPaletteOpen } from './commands.ts'
import { icons } from './icons.ts'
import { LiveState } from './live-state.tsx'
import { canNotify, isNotifying, toggleNotifications } from './notifications.ts'
import { TopBarPreferences } from './top-bar-preferences.tsx'

/** The keys of the palette. */
const KEYS = navigator.platform.startsWith('Mac') ? '⌘ K' : 'Ctrl K'

export function TopBar() {
  const state = callerState.value
  const caller = state.name === 'in' ? state.caller : undefined
  return (
    <header class="top-bar">
      <a class="brand" href="./" aria-label="Sealpost">
        <img src="icon.svg" alt="" width="24" height="24" />
      </a>
      <button
        type="button"
        class="palette-button"
        aria-haspopup="dialog"
        aria-label={`${t('shell.searchHint')} ${KEYS}`}
        onClick={openPalette}
      >
        <Glyph icon={icons.search} />
        <span>{t('shell.searchHint')}</span>
        <kbd>{KEYS}</kbd>
      </button>
      <LiveState />
      <TimeZone />
      {caller && caller.name !== 'anonymous' && (
        <span class="caller-name" title={t('shell.loggedOnAs', { name: caller.name, role: caller.role })}>
          {caller.name}
        </span>
      )}
      <TopBarPreferences />
      {canNotify && (
        <Button
          kind="plain"
          icon={isNotifying.value ? icons.notifying : icons.silent}
          label={t('shell.notify')}
          aria-pressed={isNotifying.value}
          onClick={toggleNotifications}
        />
      )}
      <Button kind="plain" icon={icons.help} label={t('shell.help')} shortcut="?" onClick={openHelp} />
      {caller && caller.name !== 'anonymous' && (
        <Button
          kind="plain"
          icon={icons.logOff}
          label={t('shell.logOff')}
          onClick={() => logOff().catch((error) => notifyProblem(problemOf(error)))}
        />
      )}
    </header>
  )
}

/** The zone of every time of the console: lists show times without it. */
function TimeZone() {
  const { zone, offset } = timeZone()
  const text = t('shell.timeZone', { zone, offset })
  return (
    <span class="time-zone" title={text}>
      <span aria-hidden="true">{offset}</span>
      <span class="hidden">{text}</span>
    </span>
  )
}

export const openPalette = (): void => {
  isPaletteOpen.value = true
}

export const openHelp = (): void => {
  isHelpOpen.value = true
}
