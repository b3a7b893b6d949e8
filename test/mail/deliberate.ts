const TRAILING_SPACE =
  'white space around a value is no part of it (RFC 5322 section 3.2.2); Dovecot keeps what is behind it'
const EMPTY_ELEMENT =
  'empty elements of a list mean nothing (RFC 5322 section 4.4); Dovecot makes up addresses for them'
const OBSOLETE_LOCAL =
  'dotted words, spaced or quoted, are a local part (RFC 5322 section 4.4); Dovecot takes them for a name'
const BARE_LF = 'sizes are those of the octets we send; Dovecot makes CRLF of a bare LF on the way out'

/** Where ENVELOPE or BODYSTRUCTURE differ from Dovecot's on purpose: edge case → why. */
export const DELIBERATE: Readonly<Record<string, string>> = {
  'Date: 1  2\t3\r\n 4  ': TRAILING_SPACE,
  'Message-ID:  <a  b>\r\n\t<c> ': TRAILING_SPACE,
  'Content-ID:  <a>\r\n <b> ': TRAILING_SPACE,
  'Content-Description: a  b \t c ': TRAILING_SPACE,
  'Content-Location:\r\n http://x\r\n y': TRAILING_SPACE,
  'To: a@b, ,c@d': EMPTY_ELEMENT,
  'To: ,': EMPTY_ELEMENT,
  'To: ,,a@b': EMPTY_ELEMENT,
  'To: a . b @ c . d': OBSOLETE_LOCAL,
  'To: "x".y@z': OBSOLETE_LOCAL,
  'To: x."y"@z': OBSOLETE_LOCAL,
  'To: <"x".y@z>': OBSOLETE_LOCAL,
  'To: a@b.c.': 'a host with a dot at its end is shown as it is; Dovecot shows none',
  'To: a@b (unclosed': 'a comment that never closes does not undo the address before it',
  'Content-Type: text/plain;;a=b': 'an empty parameter does not hide the next',
  'Content-Type: text/plain; =x; a=b': 'a parameter without a name is none',
  'Content-Type: message/global': 'message/global is shown like message/rfc822 (RFC 9051 section 7.5.2)',
  'Content-Disposition:': 'an empty disposition is none',
  'Content-Disposition: "attachment"; filename=x': 'a quoted disposition type is understood',
  'Content-Disposition: inline\r\nContent-Disposition: attachment; filename=z':
    'the first counts, as with all Content fields',
  "Content-Disposition: attachment; filename*=utf-8''%e4; size=4":
    'what is no UTF-8 becomes U+FFFD, so that all texts are UTF-8',
  'Content-Language: en,,de': 'an empty language tag does not hide the next',
  'MP LF only': BARE_LF,
  'LF all': BARE_LF,
  'rfc822 header cut':
    "the line end before a boundary is the boundary's (RFC 2046 section 5.1.1) in a message inside too",
}
