import type { Agreement } from './keys.ts'

/** A line of NSS's key log format, which Wireshark reads. SSL 3.0 and TLS 1.0 are found by the client's random value. */
export function keyLogLine({ randoms, master }: Agreement): Buffer {
  return Buffer.from(`CLIENT_RANDOM ${randoms.client.toString('hex')} ${master.toString('hex')}\n`, 'latin1')
}
