/**
 * Decrypts DES and RC2 (RFC 2268), which OpenSSL 3 in Node.js no longer ships, with node-forge. Only files that use them
 * load it. The rest of such a file is parsed here, because forge reads neither elliptic-curve keys nor most old schemes.
 * @param effectiveBits of RC2. Default: all bits of the key
 */
export async function decryptByForge(
  cipher: 'des-cbc' | 'rc2-cbc',
  key: Buffer,
  iv: Buffer,
  content: Buffer,
  effectiveBits = key.length * 8,
): Promise<Buffer> {
  const { default: forge } = await import('node-forge')
  // Forge represents octets as strings with one character each.
  const keyText = key.toString('latin1')
  const ivText = iv.toString('latin1')
  if (cipher === 'rc2-cbc') {
    const rc2 = forge.rc2.createDecryptionCipher(keyText, effectiveBits)
    rc2.start(ivText)
    rc2.update(forge.util.createBuffer(content.toString('latin1')))
    if (!rc2.finish()) throw new Error('wrong padding')
    return Buffer.from(rc2.output.getBytes(), 'latin1')
  }
  const des = forge.cipher.createDecipher('DES-CBC', keyText)
  des.start({ iv: ivText })
  des.update(forge.util.createBuffer(content.toString('latin1')))
  if (!des.finish()) throw new Error('wrong padding')
  return Buffer.from(des.output.getBytes(), 'latin1')
}

/** Encrypts or decrypts with RC4, which is the same. OpenSSL 3 in Node.js no longer ships it. RFC 6229 has test vectors. */
export function rc4(key: Buffer, content: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, at) => at)
  const swap = (a: number, b: number): void => {
    const octet = state[a] ?? 0
    state[a] = state[b] ?? 0
    state[b] = octet
  }
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff
    swap(i, j)
  }
  let i = 0
  let j = 0
  return Buffer.from(
    content.map((octet) => {
      i = (i + 1) & 0xff
      j = (j + (state[i] ?? 0)) & 0xff
      swap(i, j)
      return octet ^ (state[((state[i] ?? 0) + (state[j] ?? 0)) & 0xff] ?? 0)
    }),
  )
}
