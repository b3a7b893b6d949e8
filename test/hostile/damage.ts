/** Returns the damaged octets of a file. */
type Damage = (octets: Buffer, random: () => number) => Buffer

const PAGE = 4096
const at = (octets: Buffer, random: () => number): number => Math.floor(random() * octets.length)

/** Copies octets inside a file. */
function changed(octets: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(octets)
  change(copy)
  return copy
}

/** The damage that disks, interrupted copies and people do to files. Undefined: the file is deleted. */
export const DAMAGES: Readonly<Record<string, Damage | undefined>> = {
  bit: (octets, random) =>
    changed(octets, (copy) => {
      const place = at(octets, random)
      copy[place] = (copy[place] ?? 0) ^ (1 << Math.floor(random() * 8))
    }),
  page: (octets, random) =>
    changed(octets, (copy) => {
      const start = Math.floor(at(octets, random) / PAGE) * PAGE
      const fill = random() < 0.5 ? () => 0 : () => Math.floor(random() * 256)
      for (let i = start; i < Math.min(start + PAGE, copy.length); i++) copy[i] = fill()
    }),
  swap: (octets, random) =>
    changed(octets, (copy) => {
      const size = Math.min(PAGE, Math.floor(octets.length / 2))
      const places = Math.floor(octets.length / size)
      const [one, two] = [Math.floor(random() * places) * size, Math.floor(random() * places) * size]
      octets.copy(copy, one, two, two + size)
      octets.copy(copy, two, one, one + size)
    }),
  cut: (octets, random) => octets.subarray(0, at(octets, random)),
  empty: () => Buffer.alloc(0),
  deleted: undefined,
}
