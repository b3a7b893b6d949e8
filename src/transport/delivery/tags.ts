import { splitAddress } from '../../accounts/directory/names.ts'
import type { Tagging } from '../../core/config/schema/tagging.ts'
import { joinPieces } from '../../core/octets/pieces.ts'
import { headerFields, headerValues } from '../../mail/format/headers.ts'
import { decodeWords } from '../../mail/format/words.ts'
import type { Delivery } from './types.ts'

/** Most tags of a message, and their longest length. */
const MAX_TAGS = 50
const MAX_LENGTH = 100

/**
 * Returns the keywords of the tags that a message gets when it arrives, once each.
 * @param ofRules the tags that rules give it
 */
export function keywordsFor(tagging: Tagging, delivery: Delivery, ofRules: readonly string[]): string[] {
  const { header, plusAddresses, user, titleCase } = tagging
  const { mailFrom, recipients, account } = delivery
  const addresses = plusAddresses ? [mailFrom, ...recipients.map(({ address }) => address)] : []
  const found = [
    ...(header === undefined ? [] : wordsIn(header, delivery)),
    ...addresses.flatMap((address) => splitAddress(address).localPart.split('+').slice(1)),
  ].map((tag) => (titleCase ? tag.replaceAll(/(?<![\w.@-])[a-z]/g, (letter) => letter.toUpperCase()) : tag))
  return keywordsOf([...found, ...(user && account !== undefined ? [account] : []), ...ofRules])
}

/** Returns the keywords of tags, once each. */
export function keywordsOf(given: readonly string[]): string[] {
  const tags = given.map(keywordOf)
  const once = new Map(tags.filter((tag) => tag !== '').map((tag) => [tag.toLowerCase(), tag]))
  return [...once.values()].slice(0, MAX_TAGS)
}

function wordsIn(field: string, { message }: Delivery): string[] {
  const raw = joinPieces(message.slice(0, 1))
  return headerValues(raw, headerFields(raw), field).flatMap((value) => decodeWords(value).split(','))
}

/** Returns the keyword of a tag: letters, digits and a few signs, with ~ for what is between them. */
const keywordOf = (tag: string): string =>
  tag
    .replaceAll(/[^\w.@-]+/g, ' ')
    .trim()
    .slice(0, MAX_LENGTH)
    .replaceAll(' ', '~')
