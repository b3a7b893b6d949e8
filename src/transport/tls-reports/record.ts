/** The characters that end a URI in the record, percent-encoded. RFC 8460 section 3. */
const SEPARATORS: Readonly<Record<string, string>> = { ',': '%2C', '!': '%21', ';': '%3B' }

/** Returns the TXT record at `_smtp._tls.DOMAIN`. RFC 8460 section 3. */
export const tlsReportRecord = (rua: readonly string[]): string =>
  `v=TLSRPTv1; rua=${rua.map((uri) => uri.replaceAll(/[,!;]/g, (mark) => SEPARATORS[mark] ?? mark)).join(',')}`

/** Returns where the TXT records of `_smtp._tls.DOMAIN` want reports; nothing unless exactly one is valid. RFC 8460 section 3. */
export function ruaInRecords(records: readonly string[]): readonly string[] {
  const found = records.filter((text) => /^v=TLSRPTv1[ \t]*;/.test(text))
  const [record] = found
  if (record === undefined || found.length > 1) return []
  const rua = /;[ \t]*rua[ \t]*=[ \t]*([^;]*)/.exec(record)?.[1] ?? ''
  return rua
    .split(',')
    .map((uri) => uri.trim())
    .filter((uri) => /^(?:mailto|https):/i.test(uri))
}
