import { expect } from 'vitest'

// `toEqual` compares each octet of two Buffers as a property: 3 seconds of CPU time for a megabyte.

const installed = Symbol.for('sealpost.equalOctets')
// Workers that load modules once for all files run this for each file.
if (!(installed in globalThis)) {
  expect.addEqualityTesters([(a, b) => (Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : undefined)])
  Object.assign(globalThis, { [installed]: true })
}
