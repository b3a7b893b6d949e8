import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../texts/index.ts'

export interface Tab<Name extends string> {
  readonly name: Name
  readonly label: ComponentChildren
  /** Shown beside the label. */
  readonly count?: number | undefined
}

interface TabsProps<Name extends string> {
  readonly label: string
  readonly tabs: readonly Tab<Name>[]
  readonly selected: Name
  readonly onSelect: (name: Name) => void
  /** Whether tabs without room continue in a further line, in place of More. */
  readonly wraps?: boolean
  readonly children: ComponentChildren
}

/** Tabs that have no room, by what they say; and the room that the button for them takes. */
function useOverflow(labels: string, selected: string, wraps: boolean) {
  const list = useRef<HTMLDivElement>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  useLayoutEffect(() => {
    const box = list.current
    const row = box?.parentElement
    if (!box || !row || wraps) return
    const measure = (): void => {
      const tabs = [...box.querySelectorAll<HTMLElement>('[role=tab]')]
      const before = tabs.map((tab) => tab.hidden)
      for (const tab of tabs) tab.hidden = false
      const widths = tabs.map((tab) => tab.offsetWidth + GAP_PX)
      for (const [at, tab] of tabs.entries()) tab.hidden = before[at] ?? false
      const own = tabs.findIndex((tab) => tab.dataset.name === selected)
      const { paddingInlineStart, paddingInlineEnd } = getComputedStyle(row)
      const whole = row.clientWidth - Number.parseFloat(paddingInlineStart) - Number.parseFloat(paddingInlineEnd)
      const isTooWide = widths.reduce((sum, width) => sum + width, 0) > whole
      let room = whole - (isTooWide ? MORE_PX + (widths[own] ?? 0) : 0)
      const next = new Set<string>()
      for (const [at, tab] of tabs.entries()) {
        if (at === own && isTooWide) continue
        room -= widths[at] as number
        if (room < 0) next.add(tab.dataset.name ?? '')
      }
      setHidden((now) => (now.size === next.size && [...next].every((name) => now.has(name)) ? now : next))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(row)
    return () => observer.disconnect()
  }, [labels, selected])
  return { list, hidden }
}

/** Between two tabs. */
const GAP_PX = 2
/** The button that has the further tabs. */
const MORE_PX = 96

/** A row of tabs and the panel of the selected one. Arrow keys, Home and End move between tabs. Further tabs are under More. */
export function Tabs<Name extends string>({
  label,
  tabs,
  selected,
  onSelect,
  wraps = false,
  children,
}: TabsProps<Name>) {
  const id = useId()
  const labels = tabs.map(({ name, label: text, count }) => `${name} ${text} ${count}`).join()
  const { list, hidden } = useOverflow(labels, selected, wraps)
  const isMoved = useRef(false)
  useLayoutEffect(() => {
    if (isMoved.current && !hidden.has(selected)) document.getElementById(`${id}-${selected}`)?.focus()
    isMoved.current = false
  }, [selected, hidden])
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ name }) => name === selected)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    isMoved.current = true
    onSelect((tabs[(to + tabs.length) % tabs.length] as Tab<Name>).name)
  }
  return (
    <div class="tabs">
      <div class="tab-row">
        <div ref={list} role="tablist" aria-label={label} class={`tab-list ${wraps ? 'wraps' : ''}`} onKeyDown={move}>
          {tabs.map(({ name, label: text, count }) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`${id}-${name}`}
              data-name={name}
              hidden={hidden.has(name)}
              aria-selected={name === selected}
              aria-controls={`${id}-panel`}
              tabIndex={name === selected ? 0 : -1}
              onClick={() => onSelect(name)}
            >
              {text}
              {count !== undefined && <span class="count">{count}</span>}
            </button>
          ))}
        </div>
        {hidden.size > 0 && <More tabs={tabs.filter(({ name }) => hidden.has(name))} onSelect={onSelect} />}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${selected}`} class="tab-panel">
        {children}
      </div>
    </div>
  )
}

/** The tabs that have no room. */
function More<Name extends string>({ tabs, onSelect }: Pick<TabsProps<Name>, 'tabs' | 'onSelect'>) {
  const box = useRef<HTMLDetailsElement>(null)
  const close = (): void => box.current?.removeAttribute('open')
  return (
    <details
      ref={box}
      class="more-tabs"
      onFocusOut={({ relatedTarget }) => !box.current?.contains(relatedTarget as Node | null) && close()}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !box.current?.open) return
        event.stopPropagation()
        close()
        box.current.querySelector('summary')?.focus()
      }}
    >
      <summary>
        {t('shell.more')} <span class="count">{tabs.length}</span>
      </summary>
      <ul>
        {tabs.map(({ name, label: text, count }) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => {
                close()
                onSelect(name)
              }}
            >
              {text}
              {count !== undefined && <span class="count">{count}</span>}
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}
