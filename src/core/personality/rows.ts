import type { CommonFacts, ImapFacts } from './types.ts'

/** Returns a line that is announced where STARTTLS can be used. */
export const withTls =
  (line: string) =>
  ({ canStartTls }: CommonFacts): string | undefined =>
    canStartTls ? line : undefined

/** Returns a line that is announced where a mechanism is offered. */
export const withMechanism =
  (mechanism: string, line: string) =>
  ({ mechanisms }: CommonFacts): string | undefined =>
    mechanisms.includes(mechanism) ? line : undefined

/** Returns a line that lists the mechanisms, if there are any. */
export const mechanismsAfter =
  (word: string, form: (mechanisms: readonly string[]) => string = (mechanisms) => mechanisms.join(' ')) =>
  ({ mechanisms }: CommonFacts): string | undefined =>
    mechanisms.length > 0 ? `${word} ${form(mechanisms)}` : undefined

/** Returns a line that is announced after a log-on only. */
export const afterLogOn =
  (line: string) =>
  ({ isLoggedOn }: CommonFacts): string | undefined =>
    isLoggedOn ? line : undefined

/** Returns a line that is announced before a log-on only. */
export const beforeLogOn =
  (line: string) =>
  ({ isLoggedOn }: CommonFacts): string | undefined =>
    isLoggedOn ? undefined : line

/** Keeps clients from sending a password that would be refused. RFC 9051 section 6.2.3. */
export const loginDisabled = ({ isLoggedOn, mayLogOn }: CommonFacts): string | undefined =>
  isLoggedOn || mayLogOn ? undefined : 'LOGINDISABLED'

/** Returns IMAP4 capabilities that are announced after a log-on, as far as Sealpost has them. */
export const ownAfterLogOn =
  (...names: readonly string[]) =>
  ({ isLoggedOn, own }: ImapFacts): string | undefined =>
    (isLoggedOn && names.filter((name) => own.includes(name)).join(' ')) || undefined
