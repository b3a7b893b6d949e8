/**
 * Returns whether a text has only printable ASCII characters and spaces. A loop, because a regular expression takes many
 * times as long for a text that was just joined from parts.
 */
export function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

/** Returns whether a text has only ASCII characters: the fast way for a text that was just joined from parts. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
