import { useEffect, useMemo } from 'preact/hooks'
import { reconnects } from '../api/live.ts'
import { EmptyState } from '../components/states.tsx'
import { Toasts } from '../components/toast.tsx'
import { visiblePages } from '../pages.ts'
import { navigate, useRoute } from '../router.ts'
import { callerState } from '../state/caller.ts'
import { followFolders } from '../state/folders.ts'
import { t } from '../texts/index.ts'
import { isHelpOpen, isPaletteOpen, matching, useCommands } from './commands.ts'
import { Help } from './help.tsx'
import { icons } from './icons.ts'
import { canNotify, isNotifying, toggleNotifications } from './notifications.ts'
import { Page } from './page.tsx'
import './favicon.ts'
import { Palette } from './palette.tsx'
import { Rail } from './rail.tsx'
import { type Shortcut, useShortcuts } from './shortcuts.ts'
import { openHelp, openPalette, TopBar } from './top-bar.tsx'
import { nextTheme } from './top-bar-preferences.tsx'

/** Surrounds every page with the rail, the top bar, the palette, the help and the messages. */
export function Shell() {
  const { page } = useRoute()
  const pages = useMemo(visiblePages, [callerState.value])
  const row = pages.find(({ path }) => path === page)
  useEffect(() => {
    if (page === '' && pages[0])
      navigate(`/${pages.find(({ path }) => path === 'mail')?.path ?? pages[0].path}`, { replace: true })
  }, [page, pages])
  useShortcuts(
    useMemo<readonly Shortcut[]>(
      () => [
        ...pages.map(({ path, key, title }) => ({ keys: `g ${key}`, text: title, run: () => navigate(`/${path}`) })),
        { keys: '?', text: 'shell.help', run: openHelp },
      ],
      [pages],
    ),
  )
  useCommands(
    useMemo(
      () => (search: string) =>
        matching(
          [
            ...pages.map(({ path, title, icon, key }) => ({
              id: path,
              title: t(title),
              icon,
              hint: `g ${key}`,
              run: () => navigate(`/${path}`),
            })),
            { id: 'theme', title: t('shell.changeTheme'), icon: icons.dark, run: nextTheme },
            ...(canNotify
              ? [
                  {
                    id: 'notifications',
                    title: t(isNotifying.value ? 'shell.notifyOff' : 'shell.notifyOn'),
                    icon: isNotifying.value ? icons.notifying : icons.silent,
                    run: toggleNotifications,
                  },
                ]
              : []),
            { id: 'help', title: t('shell.shortcuts'), icon: icons.help, hint: '?', run: openHelp },
          ],
          search,
        ),
      [pages],
    ),
  )
  useEffect(followFolders, [callerState.value, reconnects.value])
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      openPalette()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <div class="shell">
      {/* Only `#main` would be relative to the base of the document, which is another page. */}
      <a class="skip" href={location.href.replace(/(?:#.*)?$/, '#main')}>
        {t('shell.skip')}
      </a>
      <TopBar />
      <Rail pages={pages} current={page} />
      <main id="main" class="page" tabIndex={-1}>
        {row && <Page key={row.path} row={row} />}
        {!row && page !== '' && (
          <EmptyState title={t('shell.noPage')}>
            <p>{t('shell.noPageHint', { page })}</p>
          </EmptyState>
        )}
      </main>
      {isPaletteOpen.value && <Palette />}
      {isHelpOpen.value && <Help />}
      <Toasts />
    </div>
  )
}
