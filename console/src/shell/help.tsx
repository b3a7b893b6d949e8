import { urlOf } from '../base.ts'
import { Dialog } from '../components/dialog.tsx'
import { timeZone } from '../components/relative-time.tsx'
import { t } from '../texts/index.ts'
import { isHelpOpen } from './commands.ts'
import { activeShortcuts } from './shortcuts.ts'

/** The keys of the page and of the console. */
export function Help() {
  const close = (): void => {
    isHelpOpen.value = false
  }
  return (
    <Dialog title={t('shell.shortcuts')} onClose={close}>
      <dl class="shortcuts">
        {activeShortcuts().map(({ keys, text }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Ctrl</kbd>
            <kbd>K</kbd>
          </dt>
          <dd>{t('shell.palette')}</dd>
        </div>
      </dl>
      <p>{t('shell.timeZone', timeZone())}</p>
      <p>
        <a href={urlOf('api/docs')}>{t('shell.apiDocs')}</a>
      </p>
    </Dialog>
  )
}
