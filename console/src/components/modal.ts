import { useLayoutEffect, useRef } from 'preact/hooks'

/**
 * Shows a `<dialog>` as a modal one while it is rendered. Escape closes it, and so does a click outside. A press inside that
 * ends outside does not: it selects text. The focus returns to where it was.
 * @returns properties of the `<dialog>`
 */
export function useModal(onClose: () => void) {
  const ref = useRef<HTMLDialogElement>(null)
  const isPressedOutside = useRef(false)
  // Before the next key is pressed, which is for the dialog.
  useLayoutEffect(() => {
    const dialog = ref.current as HTMLDialogElement
    dialog.showModal()
    return () => dialog.close()
  }, [])
  return {
    ref,
    onCancel: (event: Event): void => {
      event.preventDefault()
      onClose()
    },
    onPointerDown: ({ target }: Event): void => {
      isPressedOutside.current = target === ref.current
    },
    onClick: ({ target }: Event): void => {
      if (isPressedOutside.current && target === ref.current) onClose()
    },
  }
}
