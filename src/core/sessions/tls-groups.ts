/** Groups of the key exchange: their code points (IANA "TLS Supported Groups"), and OpenSSL's other names for them. */
const groups: readonly (readonly [id: number, name: string, ...aliases: string[]])[] = [
  [0x0013, 'P-192', 'prime192v1', 'secp192r1'],
  [0x0015, 'P-224', 'secp224r1'],
  [0x0016, 'secp256k1'],
  [0x0017, 'P-256', 'prime256v1', 'secp256r1'],
  [0x0018, 'P-384', 'secp384r1'],
  [0x0019, 'P-521', 'secp521r1'],
  [0x001a, 'brainpoolP256r1'],
  [0x001b, 'brainpoolP384r1'],
  [0x001c, 'brainpoolP512r1'],
  [0x001d, 'X25519'],
  [0x001e, 'X448'],
  [0x001f, 'brainpoolP256r1tls13'],
  [0x0020, 'brainpoolP384r1tls13'],
  [0x0021, 'brainpoolP512r1tls13'],
  [0x0100, 'ffdhe2048'],
  [0x0101, 'ffdhe3072'],
  [0x0102, 'ffdhe4096'],
  [0x0103, 'ffdhe6144'],
  [0x0104, 'ffdhe8192'],
  [0x0200, 'MLKEM512'],
  [0x0201, 'MLKEM768'],
  [0x0202, 'MLKEM1024'],
  [0x11eb, 'SecP256r1MLKEM768'],
  [0x11ec, 'X25519MLKEM768'],
  [0x11ed, 'SecP384r1MLKEM1024'],
]

const nameOf = new Map(groups.map(([id, name]) => [id, name]))
const idOf = new Map(groups.flatMap(([id, ...names]) => names.map((name) => [name.toLowerCase(), id] as const)))

/** Returns the name of a key-exchange group, or the code point of an unknown one. */
export const groupName = (id: number): string => nameOf.get(id) ?? `group 0x${id.toString(16).padStart(4, '0')}`

/** Returns the code point of a group by one of OpenSSL's names for it; undefined for an unknown one. */
export const groupId = (name: string): number | undefined => idOf.get(name.toLowerCase())
