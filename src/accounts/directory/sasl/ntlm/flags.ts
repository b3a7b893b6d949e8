/** The bits of NegotiateFlags that this server reads or sets. MS-NLMP section 2.2.2.5. */
export const flags = {
  unicode: 0x00000001,
  oem: 0x00000002,
  requestTarget: 0x00000004,
  sign: 0x00000010,
  seal: 0x00000020,
  lmKey: 0x00000080,
  ntlm: 0x00000200,
  alwaysSign: 0x00008000,
  targetTypeDomain: 0x00010000,
  extendedSessionSecurity: 0x00080000,
  targetInfo: 0x00800000,
  version: 0x02000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
  key56: 0x80000000,
} as const

export type Flag = keyof typeof flags

/** Returns whether a flag is set. */
export const hasFlag = (set: number, flag: Flag): boolean => (set & flags[flag]) !== 0

/** Returns the set of some flags, as an unsigned number. */
export const combineFlags = (names: readonly Flag[]): number =>
  names.reduce((set, name) => (set | flags[name]) >>> 0, 0)
