const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Escapes text for an XML document. Replaces characters that XML does not allow even when escaped. XML 1.0 section 2.2. */
export const xml = (text: string): string =>
  text.replaceAll(NOT_ALLOWED, '\ufffd').replaceAll(/[&<>"]/g, (character) => escapes[character] ?? character)

const NOT_ALLOWED = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/gu

/** Returns a document of lines that are XML already. */
export const xmlDocument = (lines: readonly string[]): string =>
  ['<?xml version="1.0" encoding="UTF-8"?>', ...lines, ''].join('\n')
