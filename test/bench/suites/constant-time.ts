import { constants, createPublicKey, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import { recordMac } from '../../../src/tls/legacy/mac.ts'
import { removePadding } from '../../../src/tls/legacy/protection.ts'
import { decryptPreMaster } from '../../../src/tls/legacy/rsa.ts'
import { median } from '../frame/measure.ts'
import type { TableSuite } from '../frame/types.ts'

/** A case whose time is compared with the other cases of its group. */
interface Case {
  readonly name: string
  readonly work: () => void
}

const RECORD_OCTETS = 512
const mac = recordMac('TLSv1', 'sha1', randomBytes(20))

/** Returns a decrypted record that ends in `paddingOctets` octets of padding; `spoil` makes one of them wrong. */
function record(paddingOctets: number, spoil = false): Buffer {
  const plain = randomBytes(RECORD_OCTETS).fill(paddingOctets, RECORD_OCTETS - 1 - paddingOctets)
  if (spoil) plain[RECORD_OCTETS - 2 - (paddingOctets >> 1)] = paddingOctets ^ 1
  return plain
}

function recordCase(name: string, plain: Buffer): Case {
  return { name: `record: ${name}`, work: () => removePadding(plain, 23, mac, 'TLSv1', 16) }
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

function secretCase(name: string, change: (block: Buffer) => void): Case {
  const block = Buffer.concat([Buffer.of(0, 2), Buffer.alloc(205, 7), Buffer.of(0, 3, 1), randomBytes(46)])
  change(block)
  const encrypted = publicEncrypt({ key: createPublicKey(privateKey), padding: constants.RSA_NO_PADDING }, block)
  return { name: `premaster secret: ${name}`, work: () => decryptPreMaster(privateKey, encrypted, 0x0301) }
}

const groups: readonly (readonly Case[])[] = [
  [
    recordCase('no padding', record(0)),
    recordCase('15 octets of padding', record(15)),
    recordCase('255 octets of padding', record(255)),
    recordCase('255 octets, one of them wrong', record(255, true)),
    recordCase('255 octets claimed, none there', record(0).fill(255, RECORD_OCTETS - 1)),
  ],
  [
    secretCase('right', () => {}),
    secretCase('wrong block type', (block) => block.fill(1, 1, 2)),
    secretCase('a zero in the padding', (block) => block.fill(0, 100, 101)),
    secretCase('wrong version', (block) => block.fill(0, 209, 210)),
  ],
]

/** Measures whether the time that the engine for old clients takes reveals a secret. The cases of a group take turns. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'Constant time: cases that must not differ',
  async measure({ rounds, roundMs }) {
    return groups.flatMap((group) => {
      const times = group.map((): number[] => [])
      for (const until = performance.now() + rounds * roundMs; performance.now() < until; ) {
        for (const [i, { work }] of group.entries()) {
          const before = performance.now()
          work()
          times[i]?.push(performance.now() - before)
        }
      }
      // The first half is a warm-up.
      const medians = times.map((all) => median(all.slice(all.length >> 1)))
      return group.map(({ name }, i) => ({
        case: name,
        'median (µs)': ((medians[i] ?? 0) * 1000).toFixed(2),
        'against the first': ((medians[i] ?? 0) / (medians[0] ?? 1)).toFixed(3),
      }))
    })
  },
}
