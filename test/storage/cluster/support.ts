/** Closes clients at the end of a test, however it ended. */
export function closing(): AsyncDisposable & { add<C extends { destroy(): void }>(client: C): C } {
  const clients: { destroy(): void }[] = []
  return {
    add(client) {
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
    },
  }
}

/** Returns a message with CRLF line ends. */
export const messageOf = (subject: string, more: readonly string[] = []): string =>
  ['From: a@lab.test', 'To: alice@lab.test', `Subject: ${subject}`, ...more, '', `Text of ${subject}.`, ''].join('\r\n')

/** Returns the first number that a pattern finds in lines. @throws if there is none */
export function numberIn(lines: readonly string[], pattern: RegExp): number {
  const found = pattern.exec(lines.join('\n'))?.[1]
  if (found === undefined) throw new Error(`no ${pattern} in ${lines.join('\n')}`)
  return Number(found)
}

/** Returns the uid of the answer to APPEND. RFC 4315 */
export const uidOf = (answer: string): number => numberIn([answer], /^OK \[APPENDUID \d+ (\d+)\]/)
