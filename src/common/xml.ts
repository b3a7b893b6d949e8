const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text as it stands in an XML document. Control characters cannot be in one, escaped or not. XML 1.0 section 2.2. */
export const xml = (text: string): string =>
  text.replaceAll(NO_CHARACTERS, '\ufffd').replaceAll(/[&<>"]/g, (sign) => escapes[sign] ?? sign)

const NO_CHARACTERS = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/gu

export const xmlDocument = (lines: readonly string[]): string =>
  ['<?xml version="1.0" encoding="UTF-8"?>', ...lines, ''].join('\n')
