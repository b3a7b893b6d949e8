/**
 * Why an article is not taken. `invalid`: it is no proper article; `duplicate`: its Message-ID is known; `unwanted`: not
 * for this site (groups not carried, a loop); `forbidden`: this poster may not; `later`: it could be taken another time.
 */
export type RefusalCode = 'invalid' | 'duplicate' | 'unwanted' | 'forbidden' | 'later'

/** An article that is refused; the message says why, in words for the 441, 437 or 439 line. */
export class ArticleRefused extends Error {
  override readonly name = 'ArticleRefused'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
