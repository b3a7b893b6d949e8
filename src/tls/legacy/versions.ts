/** The versions that the engine speaks, as Node.js names them in `getProtocol()`. */
export const legacyVersions = { SSLv3: 0x0300, TLSv1: 0x0301 } as const satisfies Record<string, number>
export type LegacyVersion = keyof typeof legacyVersions
