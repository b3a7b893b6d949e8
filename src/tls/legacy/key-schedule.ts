import { ssl3KeySchedule } from './ssl3.ts'
import { tls10KeySchedule } from './tls10.ts'
import type { LegacyVersion } from './versions.ts'

export type Side = 'client' | 'server'

/** The two hello messages' random values, 32 octets each. */
export interface Randoms {
  readonly client: Buffer
  readonly server: Buffer
}

/** How a version makes its secrets and its Finished message. */
export interface KeySchedule {
  /** 48 octets from the premaster secret. */
  masterSecret(preMaster: Buffer, randoms: Randoms): Buffer
  /** As many octets of key material as a suite needs. */
  keyBlock(master: Buffer, randoms: Randoms, octets: number): Buffer
  /** The key that an export cipher is keyed with, from the few octets of its material. */
  exportKey(side: Side, material: Buffer, randoms: Randoms, octets: number): Buffer
  /** The first initialization vector of an export cipher. */
  exportIv(side: Side, randoms: Randoms, octets: number): Buffer
  /** The content of a Finished message over all handshake messages so far. */
  finished(side: Side, master: Buffer, transcript: readonly Buffer[]): Buffer
}

export const keySchedules: Record<LegacyVersion, KeySchedule> = { SSLv3: ssl3KeySchedule, TLSv1: tls10KeySchedule }
