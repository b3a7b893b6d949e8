const END = Buffer.from('\r\n.\r\n')

/** Finds the end of a dot-stuffed message in what is sent after DATA. RFC 5321 section 4.1.1.4. */
export class ContentEnd {
  /** The last octets so far. The message begins after the line end of DATA. */
  #tail = Buffer.from('\r\n')

  /** Takes octets of the message. Returns how many of them are the final dot with its line end; 0 if more follows. */
  add(octets: Buffer): number {
    this.#tail = Buffer.concat([this.#tail, octets.subarray(-END.length)]).subarray(-END.length)
    return this.#tail.equals(END) ? Math.min(3, octets.length) : 0
  }
}
