import type { ComponentChildren } from 'preact'
import { Glyph, type Icon } from './icon.tsx'

/** A state: a word, and colour beside it. */
export const Badge = ({
  tone = 'neutral',
  icon,
  title,
  children,
}: {
  readonly tone?: 'neutral' | 'good' | 'warning' | 'bad' | 'accent'
  readonly icon?: Icon
  readonly title?: string
  readonly children: ComponentChildren
}) => (
  <span class={`badge ${tone}`} title={title}>
    {icon && <Glyph icon={icon} size={13} />}
    {children}
  </span>
)
