/** The events of a lab, as server-sent events and webhooks name them. */
export const eventNames = [
  'message.received',
  'message.changed',
  'message.deleted',
  'session.opened',
  'session.closed',
  'session.refused',
  'certificate.changed',
  'request.queued',
  'configuration.reloaded',
  'clock.changed',
  'fault.hit',
  'unsubscribe.received',
  'feed.changed',
  'queue.queued',
  'queue.sent',
  'queue.deferred',
  'queue.failed',
  'queue.changed',
  'job.progress',
  'job.done',
  'log',
  'lab.reset',
  'lab.stopping',
  'events.lost',
] as const

export type EventName = (typeof eventNames)[number]
