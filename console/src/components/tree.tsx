import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { remember, remembered } from '../state/preferences.ts'
import { Glyph, type Icon } from './icon.tsx'

/** A tree that is one stop of the Tab key: arrow keys, Home and End move inside. */
export function TreeNav({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const box = useRef<HTMLElement>(null)
  const stops = (): HTMLElement[] =>
    [...(box.current?.querySelectorAll<HTMLElement>('a, summary') ?? [])].filter((one) => one.offsetParent !== null)
  const stopAt = (chosen: HTMLElement | undefined): void => {
    for (const one of box.current?.querySelectorAll<HTMLElement>('a, summary') ?? [])
      one.tabIndex = one === chosen ? 0 : -1
  }
  useLayoutEffect(() => {
    const all = stops()
    const focused = all.find((one) => one === document.activeElement)
    stopAt(focused ?? all.find((one) => one.ariaCurrent === 'page') ?? all[0])
  })
  const move = (event: KeyboardEvent): void => {
    const all = stops()
    const at = all.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
    const group = document.activeElement?.closest('details')
    if (to !== undefined) {
      const next = all[Math.max(0, Math.min(all.length - 1, to))]
      stopAt(next)
      next?.focus()
    } else if (group && event.key === 'ArrowRight') group.open = true
    else if (group && event.key === 'ArrowLeft') {
      const summary = group.querySelector('summary') ?? undefined
      if (document.activeElement === summary) group.open = false
      stopAt(summary)
      summary?.focus()
    } else return
    event.preventDefault()
  }
  return (
    <nav class="tree" aria-label={label} ref={box} onKeyDown={move}>
      {children}
    </nav>
  )
}

interface TreeLinkProps {
  readonly href: string
  readonly isCurrent: boolean
  readonly icon: Icon
  readonly label: string
  readonly title?: string
  /** Shown at the end, and makes the label bold. */
  readonly unread?: number
  readonly level: 0 | 1
  /** Shown before the count. */
  readonly children?: ComponentChildren
}

/** A link to a list, with the number of what is unread there. */
export const TreeLink = ({ href, isCurrent, icon, label, title, unread = 0, level, children }: TreeLinkProps) => (
  <li>
    <Link
      href={href}
      class={`tree-node level-${level} ${unread > 0 ? 'unread' : ''}`}
      aria-current={isCurrent ? 'page' : undefined}
      title={title}
    >
      <Glyph icon={icon} />
      <span class="label">{label}</span>
      {children}
      {unread > 0 && <span class="count">{unread}</span>}
    </Link>
  </li>
)

interface TreeGroupProps {
  /** Under which the browser remembers whether it is open. */
  readonly name: string
  readonly label: string
  readonly unread?: number
  readonly children: ComponentChildren
}

/** A part of the tree that opens and closes. */
export function TreeGroup({ name, label, unread = 0, children }: TreeGroupProps) {
  const key = `tree.${name}`
  const isOpen = remembered(key, true)
  return (
    <details
      open={isOpen}
      onToggle={(event) => event.currentTarget.open !== isOpen && remember(key, event.currentTarget.open)}
    >
      <summary>
        <span class="label">{label}</span>
        {!isOpen && unread > 0 && <span class="count">{unread}</span>}
      </summary>
      <ul>{children}</ul>
    </details>
  )
}
