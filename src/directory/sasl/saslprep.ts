/** Spaces other than ASCII's. RFC 3454 table C.1.2. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
/** What is mapped to nothing. RFC 3454 table B.1. */
const NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/g
/** Control characters, private use, non-characters, surrogates. RFC 3454 tables C.2 to C.9. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\u{fffe}\u{ffff}\u{fff9}-\u{fffd}\u2028\u2029\u200e\u200f\u202a-\u202e\u206a-\u206f]/u
const ASCII = /^[\x20-\x7e]*$/

/** A name or password prepared for comparison, or undefined where it has characters that cannot be in one. RFC 4013. */
export function saslprep(text: string): string | undefined {
  if (ASCII.test(text)) return text
  const prepared = text.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC')
  return PROHIBITED.test(prepared) ? undefined : prepared
}
