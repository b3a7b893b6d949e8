import type { Account } from '../../src/directory/types.ts'
import type { Owner } from '../../src/store/types.ts'
import type { Selection } from './selection.ts'

/** Who has logged on. */
export interface Identity {
  readonly account: Account
  readonly owner: Owner
}

/** RFC 9051 section 3. What a state has is there in that state alone. */
export type ImapState =
  | { readonly name: 'not-authenticated' }
  | { readonly name: 'authenticated'; readonly identity: Identity }
  | { readonly name: 'selected'; readonly identity: Identity; readonly selection: Selection }
  | { readonly name: 'logout' }

export type StateName = ImapState['name']
export type StateOf<S extends StateName> = Extract<ImapState, { name: S }>

export const anyState = ['not-authenticated', 'authenticated', 'selected'] as const
export const loggedOn = ['authenticated', 'selected'] as const
export const selected = ['selected'] as const
export const notAuthenticated = ['not-authenticated'] as const
