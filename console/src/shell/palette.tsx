import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Glyph } from '../components/icon.tsx'
import { t } from '../texts/index.ts'
import { type Command, commandSources, isPaletteOpen } from './commands.ts'
import { icons } from './icons.ts'

/** The command palette: pages, actions and searches, by typing a part of their names. */
export function Palette() {
  const [search, setSearch] = useState('')
  const [found, setFound] = useState<readonly Command[]>([])
  const [active, setActive] = useState(0)
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  const close = (): void => {
    isPaletteOpen.value = false
  }
  useEffect(() => {
    element.current?.showModal()
  }, [])
  useEffect(() => {
    let isLatest = true
    const parts = commandSources().map((source) => Promise.resolve(source(search)).catch(() => []))
    void Promise.all(parts).then((lists) => {
      if (!isLatest) return
      setFound(lists.flat())
      setActive(0)
    })
    return () => {
      isLatest = false
    }
  }, [search])
  const run = (command: Command | undefined): void => {
    if (!command) return
    close()
    command.run()
  }
  const onKey = (event: KeyboardEvent): void => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1 }[event.key]
    if (event.key === 'Enter') run(found[active])
    else if (to === undefined || found.length === 0) return
    else setActive((to + found.length) % found.length)
    event.preventDefault()
  }
  return (
    <dialog
      ref={element}
      class="palette"
      aria-label={t('shell.palette')}
      onCancel={close}
      onClose={close}
      onClick={(event) => event.target === element.current && close()}
    >
      <div class="palette-box">
        <div class="palette-search">
          <Glyph icon={icons.search} />
          <input
            type="text"
            role="combobox"
            aria-expanded="true"
            aria-controls={id}
            aria-activedescendant={found.length > 0 ? `${id}-${active}` : undefined}
            aria-label={t('shell.palette')}
            placeholder={t('shell.paletteHint')}
            autocomplete="off"
            spellcheck={false}
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
            onKeyDown={onKey}
          />
          <kbd>Esc</kbd>
        </div>
        <div role="listbox" id={id} aria-label={t('shell.palette')} class="palette-list">
          {found.map((command, index) => (
            <div
              key={command.id}
              role="option"
              id={`${id}-${index}`}
              tabIndex={-1}
              aria-selected={index === active}
              onClick={() => run(command)}
              onMouseMove={() => setActive(index)}
            >
              {command.icon ? <Glyph icon={command.icon} /> : <span class="glyph" />}
              <span class="title">{command.title}</span>
              {command.hint && <span class="hint">{command.hint}</span>}
            </div>
          ))}
          {found.length === 0 && <p class="hint">{t('shell.nothingFound')}</p>}
        </div>
      </div>
    </dialog>
  )
}
