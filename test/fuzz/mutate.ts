/** Octets that often expose parser errors. */
const difficult = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '.',
  '\r\n.\r\n',
  '"',
  '\\',
  '(',
  ')',
  '{',
  '}',
  '{5}\r\n',
  '{99999999999}\r\n',
  '{5+}\r\n',
  '*',
  '%',
  '<',
  '>',
  '@',
  ' ',
  '\t',
  '\x7f',
  '\xff',
  'é',
  '[',
  ']',
  '~{3}\r\nabc',
  '=',
  '-',
  '4294967296',
  '18446744073709551616',
  'NIL',
  'A'.repeat(70_000),
]

/** Changes octets in a few places: drops, repeats, flips, inserts difficult ones, cuts or reorders. */
export function mutate(words: Buffer, random: () => number): Buffer {
  let octets = words
  const changes = Math.floor(random() * 4)
  for (let n = 0; n < changes; n++) octets = mutateOnce(octets, random)
  return octets
}

function mutateOnce(octets: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * (octets.length + 1))
  const until = Math.min(octets.length, at + Math.floor(random() * 8))
  const [head, middle, tail] = [octets.subarray(0, at), octets.subarray(at, until), octets.subarray(until)]
  const random8 = (): Buffer => Buffer.from([Math.floor(random() * 256)])
  const kinds = [
    () => [head, tail],
    () => [head, middle, middle, middle, tail],
    () => [head, Buffer.from(difficult[Math.floor(random() * difficult.length)] as string, 'latin1'), tail],
    () => [head, random8(), middle, tail],
    () => [head],
    () => [tail, head],
    () => [head, Buffer.from(middle.map((octet) => octet ^ (1 << Math.floor(random() * 8)))), tail],
  ]
  return Buffer.concat((kinds[Math.floor(random() * kinds.length)] as () => Buffer[])())
}
