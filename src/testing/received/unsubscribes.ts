import type { Unsubscribe } from '../../api/lab.ts'
import type { Unsubscribes } from '../../lab/unsubscribes.ts'
import type { Call } from '../calls/call.ts'
import { type WaitOptions, wait } from '../waits/wait.ts'
import { section, WaitTimeout } from '../waits/wait-timeout.ts'
import type { Arrivals } from './arrivals.ts'
import { has, patternText } from './filter.ts'

/** Conditions on a one-click unsubscribe that all must hold. */
export interface UnsubscribeFilter {
  /** The address in the link: as it is in any case, or a pattern. */
  readonly recipient?: string | RegExp
  /** The name of the list in the link. */
  readonly list?: string | RegExp
}

const isMeant = (wanted: string | RegExp | undefined, value: string): boolean =>
  wanted === undefined ||
  (typeof wanted === 'string' ? wanted.toLowerCase() === value.toLowerCase() : has(wanted, value))

/** Resolves with the oldest one that matches, as soon as there is one. @throws WaitTimeout, which lists what arrived */
export function waitForUnsubscribe(
  call: Call,
  { list: wantedList, recipient }: UnsubscribeFilter,
  options: WaitOptions | undefined,
  { unsubscribes, arrivals }: { readonly unsubscribes: Unsubscribes; readonly arrivals: Pick<Arrivals, 'onClosed'> },
): Promise<Unsubscribe> {
  const isWanted = (one: Unsubscribe): boolean => isMeant(recipient, one.recipient) && isMeant(wantedList, one.list)
  return wait(call, options, {
    start: ({ resolve, reject }) => {
      const known = unsubscribes.list().find(isWanted)
      if (known) resolve(known)
      const ends = [
        unsubscribes.watch((one) => isWanted(one) && resolve(one)),
        arrivals.onClosed(() =>
          reject(
            call.at(
              new Error('the lab was stopped, so a wait for an unsubscribe cannot succeed; wait before lab.stop()'),
            ),
          ),
        ),
      ]
      return () => {
        for (const end of ends) end()
      }
    },
    timedOut(timeoutMs) {
      const wanted = Object.entries({ recipient, list: wantedList }).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key} ${patternText(value)}`],
      )
      const filter = wanted.length === 0 ? '' : ` with ${wanted.join(', ')}`
      const lines = unsubscribes.list().map((one) => `${one.recipient} from ${one.list}`)
      const arrived = section('unsubscribes that arrived', lines, 'more')
      return new WaitTimeout([`no unsubscribe${filter} within ${timeoutMs} ms`, ...arrived].join('\n'))
    },
  })
}
