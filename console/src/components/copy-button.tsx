import { Check, Copy } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'

const SHOWN_MS = 1_500

/** Copies a text. @throws when the browser does not allow it */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  // Browsers offer the clipboard to secure origins only: not to http:// and an address of the network.
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
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
        await copyText(text)
        setCopied(true)
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
