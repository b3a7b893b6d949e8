import type { Identity, ImapSession } from './state.ts'

/** Returns whether an account is an administrator of the lab. */
export const isAdministrator = ({ context }: ImapSession, { account }: Identity): boolean =>
  context.administrators.some((name) => name.toLowerCase() === account.user.toLowerCase())
