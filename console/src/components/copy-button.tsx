import { Check, Copy } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { Problem } from '../api/problem.ts'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'
import { notifyProblem } from './toast.tsx'

const SHOWN_MS = 1_500

/** Copies a text. Returns whether the browser allowed it; shows a problem otherwise. */
export async function copyText(text: string): Promise<boolean> {
  // Browsers offer the clipboard to secure origins only: not to http:// and an address of the network.
  const copied = navigator.clipboard
    ? await navigator.clipboard.writeText(text).then(
        () => true,
        () => false,
      )
    : copySelected(text)
  if (!copied) {
    const [title, detail] = [t('shell.notCopied'), t('shell.notCopiedHint')]
    notifyProblem(new Problem({ status: 0, kind: 'clipboard', title, detail }))
  }
  return copied
}

function copySelected(text: string): boolean {
  const focused = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  // Only what is in an open dialog can be selected.
  const box = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
  box.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return copied
}

/** Copies a text, and says so. */
export function CopyButton({
  text,
  label,
  children,
}: {
  readonly text: string
  readonly label?: string
  readonly children?: string
}) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [isCopied])
  return (
    <Button
      kind="plain"
      class="copy"
      icon={isCopied ? Check : Copy}
      label={isCopied ? t('shell.copied') : (label ?? t('shell.copy'))}
      onClick={async (event) => {
        event.stopPropagation()
        setCopied(await copyText(text))
      }}
    >
      {children}
    </Button>
  )
}

/** A value that is typed elsewhere, with its copy button. */
export const Copyable = ({ text, label }: { readonly text: string; readonly label?: string }) => (
  <span class="copyable">
    <code>{text}</code>
    <CopyButton text={text} {...(label ? { label } : {})} />
  </span>
)
