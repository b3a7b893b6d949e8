import { effect, signal } from '@preact/signals'
import { call, type OutputOf, whenLoggedOff } from '../api/client.ts'
import { connectLive, disconnectLive, liveState } from '../api/live.ts'
import { type Problem, problemOf } from '../api/problem.ts'

type Caller = OutputOf<'session.get'>
export type Access = Caller['may'][number]

/** - starting: not asked yet. out: nobody is logged on. in: `caller` is. unreachable: the lab does not answer. */
type CallerState =
  | { readonly name: 'starting' }
  | { readonly name: 'out'; readonly reason?: OutReason }
  | { readonly name: 'in'; readonly caller: Caller }
  | { readonly name: 'unreachable'; readonly problem: Problem }

/** Why nobody is logged on. token: the one of the link is not valid. ended: the session has ended. */
type OutReason = 'token' | 'ended'

export const callerState = signal<CallerState>({ name: 'starting' })

/** Returns whether the caller may do something: read, change mail, or administer the lab. */
export const may = (access: Access): boolean =>
  callerState.value.name === 'in' && callerState.value.caller.may.includes(access)

/** Whether the caller sees the whole lab. */
export const seesLab = (): boolean =>
  callerState.value.name === 'in' &&
  callerState.value.caller.tenant === null &&
  ['administrator', 'reader'].includes(callerState.value.caller.role)

whenLoggedOff(() => {
  disconnectLive()
  const { name } = callerState.peek()
  // Several requests can be refused. The first one has said why.
  if (name !== 'out') callerState.value = name === 'in' ? { name: 'out', reason: 'ended' } : { name: 'out' }
})

// A browser does not say why a stream of events failed. A lab that has started again has forgotten who was logged on: it
// answers 401 here, which shows the log-on page.
effect(() => {
  if (liveState.value.name !== 'live' && callerState.peek().name === 'in') call('session.get', {}).catch(() => {})
})

/** Asks who is logged on. A token in the fragment of the URL logs on first, and leaves the URL. */
export async function start(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) history.replaceState(history.state, '', location.href.replace(/#.*/, ''))
  try {
    if (token === null) entered(await call('session.get', {}))
    else await logOn(`Bearer ${token}`)
  } catch (error) {
    const problem = problemOf(error)
    if (problem.status !== 401) callerState.value = { name: 'unreachable', problem }
    else callerState.value = token === null ? { name: 'out' } : { name: 'out', reason: 'token' }
  }
}

// The address of a page that is open was changed to one with a token: browsers do not load the page again.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) void start()
})

/** Logs on with an Authorization field. The lab keeps the session in a cookie. @throws Problem */
export async function logOn(authorization: string): Promise<void> {
  entered(await call('session.create', {}, { authorization }))
}

/** Returns the Authorization field of an account. RFC 7617 section 2. */
export function basicAuthorization(user: string, password: string): string {
  const octets = new TextEncoder().encode(`${user}:${password}`)
  return `Basic ${btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(''))}`
}

/** Ends the session of the browser. @throws Problem */
export async function logOff(): Promise<void> {
  await call('session.delete', {})
  disconnectLive()
  callerState.value = { name: 'starting' }
  // An anonymous caller of this machine is still one.
  await start()
}

function entered(caller: Caller): void {
  callerState.value = { name: 'in', caller }
  connectLive()
}
