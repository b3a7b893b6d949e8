/** A feed session that came to nothing; the message says why. It is tried again after a while. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}
