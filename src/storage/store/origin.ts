/** Identifies who made a change, so that a session recognizes its own. */
export interface Origin {
  /** The id of the session. */
  readonly sessionId?: string | undefined
  /** The user who made it, where a session has the requests of several. */
  readonly user?: string | undefined
  /** Why the lab made it, in words. */
  readonly reason?: string | undefined
}
