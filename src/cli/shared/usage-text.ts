import type { Command } from 'commander'
import { pointerText } from '../../core/config/mistakes.ts'
import { nearestWord } from '../../core/config/nearest.ts'

/** Returns a command without the program: `cert list`. */
const shortName = (command: string): string => command.replace(/^sealpost ?/, '')

/** Commander's messages about a wrong use, each with ours. The command line as in `sealpost cert list`. */
const rows: readonly (readonly [RegExp, (command: string, ...found: string[]) => string])[] = [
  [/^unknown option '(\S+)'$/, (command, option) => `unknown option ${option} for ${shortName(command) || command}`],
  [/^unknown command '(.*)'$/, (command, name) => `unknown command ${`${shortName(command)} ${name}`.trim()}`],
  [/^missing required argument '(.*)'$/, (command, name) => `${shortName(command)} needs <${name}>`],
  [/^required option '(.*)' not specified$/, (command, option) => `${shortName(command)} needs ${option}`],
  [/^option '(.*)' argument missing$/, (_, option) => `${option} needs its value`],
  [
    /^too many arguments for '.*'\. Expected (\d+) arguments? but got (\d+)/,
    (command, most, given) =>
      `${shortName(command)} takes ${most === '0' ? 'no argument' : `at most ${most} of the ${given} arguments`}`,
  ],
]

/** Commander's messages about a value: of an option, as `-p, --port <number>`, or of an argument. */
const wrongOption = /^option '(?:-\w, )?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*)$/
const wrongArgument = /^command-argument value '(.*)' is invalid for argument '(.*)'\. (.*)$/

/** Returns Commander's message about a wrong use of a command in our words, with what to do. */
export function usageText(text: string, command: string): string {
  const [first = '', ...others] = text.replace(/^error: /, '').split('\n')
  const reason = first.trim()
  const [, option = '', given = '', optionReason] = wrongOption.exec(reason) ?? []
  if (optionReason !== undefined) return wrongValue(option, given, optionReason)
  const [, value = '', argument = '', argumentReason] = wrongArgument.exec(reason) ?? []
  if (argumentReason !== undefined) return wrongValue(`<${argument}>`, value, argumentReason)
  const near = /Did you mean (.*)\?/.exec(others.join(' '))?.[1]
  const cure = near === undefined ? `see ${command} --help` : `did you mean ${near}?`
  for (const [pattern, words] of rows) {
    const [, ...found] = pattern.exec(reason) ?? []
    if (found.length > 0) return `${words(command, ...found)}; ${cure}`
  }
  return [reason, ...others.map((line) => line.trim())].filter(Boolean).join(' ')
}

/** Returns a message such as `--protocol: is "ftp"; must be smtp, pop3 or http`, as mistakes in YAML have it. */
function wrongValue(name: string, given: string, reason: string): string {
  const start = `${name}: is "${given}"; `
  const [, list] = /^Allowed choices are (.*)\.$/.exec(reason) ?? []
  if (list === undefined)
    return (
      start +
      reason
        .replace(/\.$/, '')
        .replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())
        .replace(/^it must/, 'must')
    )
  const choices = list.split(', ')
  const near = nearestWord(given, choices)
  const all = choices.length === 1 ? list : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
  return `${start}must be ${all}${near === undefined ? '' : `; did you mean ${near}?`}`
}

/**
 * Returns how a person typed a value that the API refuses: `--level`, `--account` for `user` if it is `--account <user>`,
 * `<time>` if it is the only argument, else its path.
 * @param pointer into the body of the request (RFC 6901), or the name of a parameter
 */
export function typedName({ options, registeredArguments }: Command, pointer: string): string {
  const steps = pointer.replace(/^\//, '').split('/')
  const [key = '', ...rest] = steps
  const option =
    options.find((one) => one.attributeName() === key) ?? options.find(({ flags }) => flags.endsWith(`<${key}>`))
  // An option that is a list in the API has the index of its value.
  if (option?.long && rest.every((step) => /^\d+$/.test(step))) return option.long
  const [argument] = registeredArguments
  if (steps.length === 1 && argument && registeredArguments.length === 1) return `<${argument.name()}>`
  return pointer.startsWith('/') ? pointerText(pointer) : pointer
}
