import { createHmac } from 'node:crypto'
import { desEncrypt } from './des.ts'
import { md4 } from './md4.ts'

/** HMAC-MD5. RFC 2104. */
export const hmacMd5 = (key: Buffer, ...parts: readonly Buffer[]): Buffer =>
  parts.reduce((mac, part) => mac.update(part), createHmac('md5', key)).digest()

/** The length of a password beyond which LAN Manager cannot check it. */
const LM_CHARACTERS = 14
const LM_TEXT = Buffer.from('KGS!@#$%', 'latin1')

/** Returns whether LAN Manager can check a password: the code page of a client is known for ASCII alone. */
export const isLmPassword = (password: string): boolean =>
  password.length <= LM_CHARACTERS && /^[\x20-\x7e]*$/.test(password)

/** LMOWFv1: the key of LAN Manager, from the first 14 characters in upper case. MS-NLMP section 3.3.1. */
export function lmOneWay(password: string): Buffer {
  const halves = Buffer.alloc(LM_CHARACTERS)
  halves.write(password.toUpperCase(), 'latin1')
  return Buffer.concat([desEncrypt(halves.subarray(0, 7), LM_TEXT), desEncrypt(halves.subarray(7), LM_TEXT)])
}

/** NTOWFv1: the key of NTLM version 1. MS-NLMP section 3.3.1. */
export const ntOneWay = (password: string): Buffer => md4(Buffer.from(password, 'utf16le'))

/** NTOWFv2 and LMOWFv2: the key of NTLM version 2. MS-NLMP section 3.3.2. */
export const ntOneWayV2 = (password: string, user: string, domain: string): Buffer =>
  hmacMd5(ntOneWay(password), Buffer.from(upperCase(user) + domain, 'utf16le'))

/** Returns text in upper case. As in Windows, a character whose capital form is longer stays as it is. */
export const upperCase = (text: string): string =>
  [...text].map((character) => withCapital(character, character.toUpperCase())).join('')

const withCapital = (character: string, capital: string): string =>
  capital.length === character.length ? capital : character
