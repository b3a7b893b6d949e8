import dnsPacket from 'dns-packet'
import type { AnyRecord, Question } from './record-data.ts'

/** A decoder of dns-packet. `bytes` is the size of what it decoded last. */
interface Decoder<Part> {
  decode: ((octets: Buffer, at: number) => Part) & { readonly bytes: number }
}

/** Parts of dns-packet that its types leave out. */
const { question, answer } = dnsPacket as unknown as {
  readonly question: Decoder<Question>
  readonly answer: Decoder<AnyRecord>
}

/** Questions and records of a message. A message of 64 KiB has room for 4,095 A records. */
const MAX_ENTRIES = 4096
/** Pointers that lead to one name. Programs that write names need two or three. */
const MAX_POINTERS = 10
/** Labels and pointers of all names: names of eight labels each, if there are as many as there may be. */
const MAX_LABELS = 32_768

const POINTER = 0xc0
/** Type, class, TTL and length of the data. RFC 1035 section 4.1.3. */
const FIXED_OCTETS = 10

/** Where the data of a record has names: after some octets and some strings with a length in front. */
interface NamesInData {
  readonly octets: number
  readonly strings?: number
  readonly names: number
}

/** The types in whose data dns-packet follows pointers. */
const namesInData: Readonly<Record<number, NamesInData>> = {
  /* NS */ 2: { octets: 0, names: 1 },
  /* CNAME */ 5: { octets: 0, names: 1 },
  /* SOA */ 6: { octets: 0, names: 2 },
  /* PTR */ 12: { octets: 0, names: 1 },
  /* MX */ 15: { octets: 2, names: 1 },
  /* RP */ 17: { octets: 0, names: 2 },
  /* SRV */ 33: { octets: 6, names: 1 },
  /* NAPTR */ 35: { octets: 4, strings: 3, names: 1 },
  /* DNAME */ 39: { octets: 0, names: 1 },
  /* RRSIG */ 46: { octets: 18, names: 1 },
  /* NSEC */ 47: { octets: 0, names: 1 },
}

/**
 * Reads the questions and records of a message one after another, and the names of each before dns-packet does:
 * dns-packet follows any number of pointers again for each name, which takes a second for a message of 64 KiB.
 */
export class MessageReader {
  readonly #octets: Buffer
  #at: number
  #labels = 0

  /** @throws Error if the message has more questions and records than are read */
  constructor(octets: Buffer, at: number, entries: number) {
    if (entries > MAX_ENTRIES) throw new Error(`the message has more than ${MAX_ENTRIES} questions and records`)
    this.#octets = octets
    this.#at = at
  }

  /** @throws Error if the next octets are not a question */
  question(): Question {
    return this.#decode(question, this.#endOfName(this.#at) + 4)
  }

  /** @throws Error if the next octets are not a record */
  record(): AnyRecord {
    const fixed = this.#endOfName(this.#at)
    const data = fixed + FIXED_OCTETS
    this.#checkData(this.#octets.readUInt16BE(fixed), data)
    return this.#decode(answer, data + this.#octets.readUInt16BE(data - 2))
  }

  #decode<Part>({ decode }: Decoder<Part>, end: number): Part {
    const part = decode(this.#octets, this.#at)
    // For many types dns-packet does not heed the length, and would read on where nothing is checked.
    if (this.#at + decode.bytes !== end || end > this.#octets.length)
      throw new Error('the data of a record has another length')
    this.#at = end
    return part
  }

  #checkData(type: number, data: number): void {
    const { octets, strings = 0, names } = namesInData[type] ?? { octets: 0, names: 0 }
    let at = data + octets
    for (let string = 0; string < strings; string++) at += 1 + this.#octets.readUInt8(at)
    for (let name = 0; name < names; name++) at = this.#endOfName(at)
  }

  /** Follows a name and returns where the octets after it begin. RFC 1035 section 4.1.4. */
  #endOfName(start: number): number {
    let at = start
    /** Pointers lead to before the name, and to before what the last pointer led to. */
    let before = start
    let end: number | undefined
    let pointers = 0
    for (;;) {
      const length = this.#octets.readUInt8(at)
      if (length === 0) return end ?? at + 1
      this.#labels += 1
      if (this.#labels > MAX_LABELS) throw new Error('the names of the message are too long')
      if (length < POINTER) {
        at += 1 + length
        continue
      }
      const target = this.#octets.readUInt16BE(at) & 0x3fff
      pointers += 1
      if (target >= before || pointers > MAX_POINTERS) throw new Error('a name has a bad pointer')
      end ??= at + 2
      at = target
      before = target
    }
  }
}
