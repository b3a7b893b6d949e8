import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Glyph } from '../components/icon.tsx'
import { useModal } from '../components/modal.ts'
import { t } from '../texts/index.ts'
import { type Command, commandSources, isPaletteOpen } from './commands.ts'
import { findEverywhere } from './found.ts'
import { icons } from './icons.ts'

/** The command palette: pages, actions and searches, by typing a part of their names. */
export function Palette() {
  const [search, setSearch] = useState('')
  const [found, setFound] = useState<readonly Command[]>([])
  const [active, setActive] = useState(0)
  const id = useId()
  const close = (): void => {
    isPaletteOpen.value = false
  }
  const modal = useModal(close)
  /** The search that is under way. */
  const finding = useRef<Promise<readonly Command[]>>()
  const find = (text: string): void => {
    setSearch(text)
    const own = commandsFor(text)
    finding.current = own
    void own.then((commands) => {
      if (finding.current !== own) return
      finding.current = undefined
      setFound(commands)
      setActive(0)
    })
  }
  // Before the first key is pressed, whose search this would undo.
  useLayoutEffect(() => {
    find('')
    return () => {
      finding.current = undefined
    }
  }, [])
  const run = (command: Command | undefined): void => {
    if (!command) return
    close()
    command.run()
  }
  const onKey = (event: KeyboardEvent): void => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1 }[event.key]
    // The results that are shown may come from an earlier search.
    if (event.key === 'Enter') {
      if (finding.current) void finding.current.then(([first]) => run(first))
      else run(found[active])
    } else if (to === undefined || found.length === 0) return
    else setActive((to + found.length) % found.length)
    event.preventDefault()
  }
  return (
    <dialog {...modal} class="palette" aria-label={t('shell.palette')}>
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
            onInput={(event) => find(event.currentTarget.value)}
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

/** Returns pages and actions, and after them what the search finds in the lab. */
async function commandsFor(search: string): Promise<readonly Command[]> {
  const sources = [...commandSources(), findEverywhere]
  const lists = await Promise.all(sources.map((source) => Promise.resolve(source(search)).catch(() => [])))
  return lists.flat()
}
