import { keepAlive } from './keep-alive.ts'

interface Stoppable {
  stop(): Promise<void>
}

/** The labs of this process that run, and where each was started. */
const open = new Map<Stoppable, string>()

/** Watches a lab until `forgetLab`: if the process has nothing else to do, the lab is reported and stopped. */
export function watchLab(lab: Stoppable, startedAt: string): void {
  if (open.size === 0) process.on('beforeExit', stopForgotten)
  open.set(lab, startedAt)
}

/** Ends the watch of a lab that stops. */
export function forgetLab(lab: Stoppable): void {
  open.delete(lab)
  if (open.size === 0) process.off('beforeExit', stopForgotten)
}

function stopForgotten(): void {
  const done = keepAlive()
  const labs = [...open]
  for (const [, startedAt] of labs) {
    const advice = 'Call `await lab.stop()`, or declare it with `await using`. `lab.ref()` keeps the process running'
    process.emitWarning(`The lab started at ${startedAt} was not stopped. ${advice}`, {
      type: 'SealpostWarning',
      code: 'SEALPOST_LAB_OPEN',
    })
  }
  void Promise.allSettled(labs.map(([lab]) => lab.stop())).then(done)
}
