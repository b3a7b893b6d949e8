import { Ban, Trash2 } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { t } from '../../texts/index.ts'
import { mayManage } from './groups.ts'

interface CancelProps {
  readonly id: string
  readonly subject: string
  /** Called when the article is gone. */
  readonly onDone: () => void
  readonly onClose: () => void
}

/** Asks before an article is cancelled everywhere, or deleted in the lab. */
export function CancelArticle({ id, subject, onDone, onClose }: CancelProps) {
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const act = async (remove: () => Promise<unknown>): Promise<void> => {
    setBusy(true)
    try {
      await remove()
      onDone()
    } catch (error) {
      setProblem(problemOf(error))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={t('news.cancelTitle', { subject: subject || t('mail.noSubject') })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('news.keep')}</Button>
          {mayManage() && (
            <Button icon={Trash2} disabled={isBusy} onClick={() => act(() => call('messages.delete', { id }))}>
              {t('news.deleteHere')}
            </Button>
          )}
          <Button kind="danger" icon={Ban} disabled={isBusy} onClick={() => act(() => call('articles.cancel', { id }))}>
            {t('news.cancel')}
          </Button>
        </>
      }
    >
      <p>
        <strong>{t('news.cancel')}:</strong> {t('news.cancelHint')}
      </p>
      {mayManage() && (
        <p>
          <strong>{t('news.deleteHere')}:</strong> {t('news.deleteHereHint')}
        </p>
      )}
      <p class="hint">{t('news.cancelFinal')}</p>
      {problem && (
        <p class="form-problem" role="alert">
          <strong>{problem.title}.</strong> {problem.message}
        </p>
      )}
    </Dialog>
  )
}
