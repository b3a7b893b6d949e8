import type { ArticleRefused } from '../../src/news/article.ts'

/** The one error of an NNTP session: the response code and the text behind it. */
export class NntpError extends Error {
  override readonly name = 'NntpError'
  readonly code: number
  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

const UNTOLD = /[\r\n\0]/
const MAX_TEXT = 500

/** A response line. Text from elsewhere cannot break out of it. RFC 3977 section 3.1: 512 octets at most. */
export function responseLine(code: number, text: string): string {
  const told = UNTOLD.test(text) ? text.replace(/[\r\n\0]+/g, ' ') : text
  return `${code} ${told.length > MAX_TEXT ? told.slice(0, MAX_TEXT) : told}\r\n`
}

// The errors that several commands give. RFC 3977 section 3.2.1 and appendix C.
export const syntaxError = (text = 'syntax error'): NntpError => new NntpError(501, text)
export const noGroupSelected = (): NntpError => new NntpError(412, 'no newsgroup selected')
export const noSuchGroup = (): NntpError => new NntpError(411, 'no such newsgroup')
export const noCurrentArticle = (): NntpError => new NntpError(420, 'no current article')
export const noArticleWithNumber = (): NntpError => new NntpError(423, 'no article with that number')
export const noArticleInRange = (): NntpError => new NntpError(423, 'no article in that range')
export const noArticleWithId = (): NntpError => new NntpError(430, 'no article with that message-id')
export const authenticationRequired = (): NntpError => new NntpError(480, 'log-on required')
export const privacyRequired = (): NntpError => new NntpError(483, 'a secure channel is required: use STARTTLS first')

/** How the reasons of the news room are told to a poster. Each one is a 441. RFC 3977 section 6.3.1. */
export const postingFailed = (refused: ArticleRefused): NntpError => new NntpError(441, refused.message)
