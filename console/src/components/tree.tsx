import type { ComponentChildren } from 'preact'
import { Link } from 'wouter-preact'
import { remember, remembered } from '../state/preferences.ts'
import { Glyph, type Icon } from './icon.tsx'

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
