import type { Schemas } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { pathWith } from '../../router.ts'

export type Connector = Schemas['Connector']
export type Queued = Schemas['QueuedMessage']

/** Events after which connectors or the queue may differ. */
export const CHANGES: readonly EventName[] = [
  'queue.queued',
  'queue.sent',
  'queue.deferred',
  'queue.failed',
  'queue.changed',
  'configuration.reloaded',
  'lab.reset',
]

/** Returns the path of the page of connectors, or of one of them. */
export const connectorPath = (id?: string): string =>
  pathWith(['outgoing', ...(id === undefined ? [] : ['connectors', id])])
/** Returns the path of the page of outgoing mail, or of one message of the queue. */
export const queuePath = (id?: string): string => pathWith(['outgoing', ...(id === undefined ? [] : ['queue', id])])

/** Returns the reply or the reason that a list shows: for a recipient who did not get the message, if there is one. */
export const lastReply = ({ recipients, reason }: Queued): string =>
  (
    recipients.find(({ kind, text }) => kind !== 'sent' && text !== null) ??
    recipients.find(({ text }) => text !== null)
  )?.text ??
  reason ??
  ''

/** Returns where a connector sends its mail to. */
export const hostOf = ({ smartHost }: Connector): string | undefined =>
  smartHost ? `${smartHost.host}:${smartHost.port}` : undefined
