/** The exit statuses of sendmail that callers tell apart. sysexits.h of BSD. */
export const exitStatus = {
  ok: 0,
  /** Wrong options or arguments. */
  usage: 64,
  /** A message or an address that cannot be sent as it is. */
  dataError: 65,
  noInput: 66,
  noUser: 67,
  noHost: 68,
  /** The lab does not run, or refuses the message. */
  unavailable: 69,
  software: 70,
  /** The message may be sent later. */
  tempFail: 75,
  /** An answer that is not SMTP. */
  protocol: 76,
  noPermission: 77,
} as const

/** Why nothing was sent, with its exit status. */
export class SendmailError extends Error {
  override readonly name = 'SendmailError'
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** Exit statuses by the beginning of the enhanced status code. RFC 3463 section 3. */
const byEnhancedCode: readonly (readonly [string, number])[] = [
  ['5.1.1', exitStatus.noUser],
  ['5.1.6', exitStatus.noUser],
  ['5.2.1', exitStatus.noUser],
  ['5.1.2', exitStatus.noHost],
  ['5.1.', exitStatus.dataError],
  ['5.6.', exitStatus.dataError],
  ['5.7.', exitStatus.noPermission],
]

/** Exit statuses by reply code, where there is no enhanced one. RFC 5321 section 4.2.3. */
const byCode: Readonly<Record<number, number>> = {
  501: exitStatus.dataError,
  530: exitStatus.noPermission,
  550: exitStatus.noUser,
  551: exitStatus.noUser,
  553: exitStatus.dataError,
}

/** Returns the exit status for a reply that refuses something. */
export function statusOfReply(code: number, text: string): number {
  if (code >= 400 && code < 500) return exitStatus.tempFail
  const enhanced = /^5\.\d{1,3}\.\d{1,3}/.exec(text)?.[0]
  if (enhanced === undefined) return byCode[code] ?? exitStatus.unavailable
  return byEnhancedCode.find(([start]) => enhanced.startsWith(start))?.[1] ?? exitStatus.unavailable
}
