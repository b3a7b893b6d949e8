/** The environment, as the command line hands it on. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A whole configuration in `SEALPOST_CONFIG`: YAML, or base64 of it. An empty one counts as absent. */
export function inlineConfiguration({ SEALPOST_CONFIG: text }: Environment): string | undefined {
  if (!text) return undefined
  // Base64 holds neither spaces nor colons, and every lab in YAML has a colon.
  const compact = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/_-]+=*$/.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : text
}
