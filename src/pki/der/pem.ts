/** A block of PEM text. RFC 7468. */
export interface PemBlock {
  readonly label: string
  readonly der: Buffer
}

/** Returns the PEM blocks of a text in order. Ignores the text around them, such as that of `openssl x509 -text`. */
export function readPem(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (const match of text.matchAll(/-----BEGIN ([^\r\n-]+)-----([\s\S]*?)-----END \1-----/g)) {
    const body = (match[2] ?? '').replace(/^[A-Za-z-]+:.*(?:\r?\n[ \t].*)*$/gm, '')
    blocks.push({ label: match[1] ?? '', der: Buffer.from(body, 'base64') })
  }
  return blocks
}

/** Returns a PEM block with 64 columns. */
export function writePem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
