import { Pause, Play, RotateCw, Trash2, Undo2 } from 'lucide-preact'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import type { Icon } from '../../components/icon.tsx'
import { removeUnlessUndone } from '../../components/removal.ts'
import { notify, notifyProblem } from '../../components/toast.tsx'
import { t } from '../../texts/index.ts'
import type { Queued } from './facts.ts'

/** An action on a message of the queue. */
interface QueueAction {
  readonly icon: Icon
  readonly label: string
  readonly run: () => void
}

/** Messages of the queue, or all of it. */
type Choice = { readonly ids: string[] } | { readonly all: true }

const attempt = (act: () => Promise<unknown>): void => void act().catch((error) => notifyProblem(problemOf(error)))

/** Tries to send messages now. */
export const flush = (choice: Choice): void =>
  attempt(async () => notify(t('outgoing.flushed', { n: (await call('queue.flush', choice)).messages })))

/** Keeps messages without further attempts. */
export const hold = (choice: Choice): void => attempt(() => call('queue.hold', choice))
const unhold = (choice: Choice): void => attempt(() => call('queue.unhold', choice))

/** Returns what can be done with a message. Deleting it and giving it up can be undone for some seconds. */
export function actionsOf({ id, state, recipients }: Queued, onDone: () => Promise<void>): readonly QueueAction[] {
  const ids = { ids: [id] }
  const to = recipients.map(({ address }) => address).join(', ')
  const isHeld = state === 'held'
  return [
    { icon: RotateCw, label: t('outgoing.flush'), run: () => flush(ids) },
    isHeld
      ? { icon: Play, label: t('outgoing.unhold'), run: () => unhold(ids) }
      : { icon: Pause, label: t('outgoing.hold'), run: () => hold(ids) },
    {
      icon: Undo2,
      label: t('outgoing.bounce'),
      run: () =>
        removeUnlessUndone(id, t('outgoing.bounced', { to }), () =>
          call('queue.bounce', ids, { keepalive: true }).then(onDone),
        ),
    },
    {
      icon: Trash2,
      label: t('outgoing.delete'),
      run: () =>
        removeUnlessUndone(id, t('outgoing.deleted', { to }), () =>
          call('queue.delete', ids, { keepalive: true }).then(onDone),
        ),
    },
  ]
}
