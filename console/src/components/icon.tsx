import type { LucideIcon } from 'lucide-preact'

export type Icon = LucideIcon

/** An icon beside a word. Alone it needs a label on the element around it. */
export const Glyph = ({ icon: One, size = 16 }: { readonly icon: Icon; readonly size?: number }) => (
  <One size={size} stroke-width={1.75} aria-hidden="true" focusable="false" class="glyph" />
)
