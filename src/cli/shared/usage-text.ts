/** Commander's messages about a wrong use, each with ours. The command line as in `sealpost cert list`. */
const rows: readonly (readonly [RegExp, (command: string, ...found: string[]) => string])[] = [
  [/^unknown option '(\S+)'$/, (command, option) => `${option} is no option of ${command}`],
  [/^unknown command '(.*)'$/, (command, name) => `${name} is no command of ${command}`],
  [/^missing required argument '(.*)'$/, (command, name) => `${command} needs <${name}>`],
  [/^required option '(.*)' not specified$/, (command, option) => `${command} needs ${option}`],
  [/^option '(.*)' argument missing$/, (_, option) => `${option} needs its value`],
  [
    /^too many arguments for '.*'\. Expected (\d+) arguments? but got (\d+)/,
    (command, most, given) =>
      `${command} takes ${most === '0' ? 'no argument' : `at most ${most} of the ${given} arguments`}`,
  ],
]

/** Returns Commander's message about a wrong use of a command in our words, with what to do. */
export function usageText(text: string, command: string): string {
  const [first = '', ...others] = text.replace(/^error: /, '').split('\n')
  const reason = first.trim()
  const near = /Did you mean (.*)\?/.exec(others.join(' '))?.[1]
  const cure = near === undefined ? `see ${command} --help` : `did you mean ${near}?`
  for (const [pattern, words] of rows) {
    const [, ...found] = pattern.exec(reason) ?? []
    if (found.length > 0) return `${words(command, ...found)}; ${cure}`
  }
  return [reason, ...others.map((line) => line.trim())].filter(Boolean).join(' ')
}
