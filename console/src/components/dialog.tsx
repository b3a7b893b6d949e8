import { X } from 'lucide-preact'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'
import { useModal } from './modal.ts'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  /** The buttons at the end. */
  readonly actions?: ComponentChildren
  readonly size?: 'small' | 'medium' | 'large'
}

/** A modal dialog. Rendered while it is open; Escape and a click outside close it. */
export function Dialog({ title, onClose, children, actions, size = 'medium' }: DialogProps) {
  const modal = useModal(onClose)
  const titleId = useId()
  return (
    <dialog {...modal} class={`dialog ${size}`} aria-labelledby={titleId}>
      <div class="dialog-box">
        <header>
          <h2 id={titleId}>{title}</h2>
          <Button kind="plain" icon={X} label={t('shell.close')} onClick={onClose} />
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  )
}
