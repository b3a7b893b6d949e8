import { crc32, deflateSync } from 'node:zlib'

/** Positions of 32-bit numbers in the header of a file in the format XWD 7, which Xvfb keeps its screen in. */
const XWD = { headerOctets: 0, width: 16, height: 20, rowOctets: 48, colours: 76 } as const

/** Returns a screen of Xvfb with 24 bits as a PNG image. */
export function pngOfXwd(screen: Buffer): Buffer {
  const at = (position: number): number => screen.readUInt32BE(position)
  const [width, height] = [at(XWD.width), at(XWD.height)]
  const pixels = at(XWD.headerOctets) + 12 * at(XWD.colours)
  const rows = Buffer.alloc(height * (1 + 3 * width))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = pixels + y * at(XWD.rowOctets) + 4 * x
      const to = y * (1 + 3 * width) + 1 + 3 * x
      rows.writeUIntBE(screen.readUIntLE(from, 3), to, 3)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8) // 8 bits for each of red, green and blue
  const chunk = (name: string, data: Buffer): Buffer => {
    const content = Buffer.concat([Buffer.from(name, 'latin1'), data])
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    checksum.writeUInt32BE(crc32(content))
    return Buffer.concat([length, content, checksum])
  }
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
