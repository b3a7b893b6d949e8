import type { ComponentChildren, JSX } from 'preact'
import { Glyph, type Icon } from './icon.tsx'

interface ButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'size'> {
  /** - primary: the main action of a view. plain: within bars and rows. danger: what cannot be undone. */
  readonly kind?: 'primary' | 'secondary' | 'plain' | 'danger'
  readonly icon?: Icon
  /** The words of a button that shows only its icon. Shown as its tooltip. */
  readonly label?: string
  /** The key that does the same, for the tooltip. */
  readonly shortcut?: string
  readonly children?: ComponentChildren
}

export function Button({ kind = 'secondary', icon, label, shortcut, children, class: more, ...rest }: ButtonProps) {
  const title = label && (shortcut ? `${label} (${shortcut})` : label)
  return (
    <button
      type="button"
      class={`button ${kind} ${children ? '' : 'only-icon'} ${more ?? ''}`}
      aria-label={children ? undefined : label}
      title={title}
      aria-keyshortcuts={shortcut}
      {...rest}
    >
      {icon && <Glyph icon={icon} />}
      {children}
    </button>
  )
}
