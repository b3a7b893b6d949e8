import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Problem } from '../api/problem.ts'
import { t } from '../texts/index.ts'
import { Button } from './button.tsx'
import { Glyph, type Icon } from './icon.tsx'

/** The text of an empty list: why it is empty, and what to do. */
export const EmptyState = ({
  icon,
  title,
  children,
}: {
  readonly icon?: Icon
  readonly title: string
  readonly children?: ComponentChildren
}) => (
  <div class="empty">
    {icon && <Glyph icon={icon} size={28} />}
    <h2>{title}</h2>
    {children}
  </div>
)

const SKELETON_AFTER_MS = 150

/** Grey lines in place of what loads, after a moment. */
export function Skeleton({ lines = 6 }: { readonly lines?: number }) {
  const [isShown, show] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => show(true), SKELETON_AFTER_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class="skeleton" aria-busy="true" aria-label={t('shell.loading')} role="status">
      {isShown &&
        Array.from({ length: lines }, (_, index) => (
          <span key={index} style={{ width: `${95 - ((index * 37) % 50)}%` }} />
        ))}
    </div>
  )
}

/** A refusal in place of what could not be loaded. */
export const ProblemState = ({ problem, onRetry }: { readonly problem: Problem; readonly onRetry?: () => void }) => (
  <div class="problem" role="alert">
    <h2>{problem.title}</h2>
    <p>{problem.message}</p>
    {onRetry && <Button onClick={onRetry}>{t('shell.tryAgain')}</Button>}
  </div>
)
