/** A block of PEM text. RFC 7468. */
interface PemBlock {
  readonly label: string
  readonly der: Buffer
}

/** Returns the PEM blocks of a text in order. Ignores the text around them, such as the output of `openssl x509 -text`. */
export function readPem(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  // A BEGIN line ends the block before it, so that the time stays linear in the text.
  for (const block of text.split('-----BEGIN ').slice(1)) {
    const label = /^([^\r\n-]+)-----/.exec(block)?.[1]
    const end = label === undefined ? -1 : block.indexOf(`-----END ${label}-----`)
    if (label === undefined || end < 0) continue
    const body = block.slice(label.length + 5, end).replace(/^[A-Za-z-]+:.*(?:\r?\n[ \t].*)*$/gm, '')
    blocks.push({ label, der: Buffer.from(body, 'base64') })
  }
  return blocks
}

/** Returns a PEM block with 64 columns. */
export function writePem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
