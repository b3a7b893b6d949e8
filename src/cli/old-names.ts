import { noteWarning } from './shared/output.ts'

/** A command or option that has another name now. The old one works until the next minor version, with a warning. */
interface OldName {
  /** The command that has or had the option, or whose name is old. */
  readonly command: string
  /** The old option; undefined if the command itself is renamed. */
  readonly option?: string
  /** The new option or command; undefined if the command now always does what the option did. */
  readonly to?: string
}

const oldNames: readonly OldName[] = [
  { command: 'cert remove', to: 'cert unassign' },
  { command: 'token', to: 'access-token' },
  { command: 'access-token', option: '--user', to: '--account' },
  { command: 'client-settings', option: '--user', to: '--account' },
  { command: 'store export', option: '--user', to: '--account' },
  { command: 'store import', option: '--user', to: '--account' },
  { command: 'mail release', option: '--search', to: '--query' },
  { command: 'start', option: '--only', to: '--protocol' },
  { command: 'start', option: '--capture', to: '--pcap' },
  { command: 'verify', option: '--only', to: '--check' },
  { command: 'audit', option: '--only', to: '--server' },
  { command: 'config migrate', option: '--write' },
]

/** Returns the arguments of a command line with the present names, and warns about old ones. */
export function withPresentNames(args: readonly string[]): readonly string[] {
  return oldNames.reduce(replaceOldName, args)
}

function replaceOldName(args: readonly string[], { command, option, to }: OldName): readonly string[] {
  const words = command.split(' ')
  if (words.some((word, index) => args[index] !== word)) return args
  if (option === undefined) {
    noteWarning(`${command} is now ${to}; the old name will not work in the next version`)
    return [...(to ?? '').split(' '), ...args.slice(words.length)]
  }
  // Words after `--` belong to another program.
  const end = args.indexOf('--')
  const isOld = (arg: string, index: number): boolean =>
    (arg === option || arg.startsWith(`${option}=`)) && (end === -1 || index < end)
  if (!args.some(isOld)) return args
  noteWarning(
    to === undefined
      ? `${command} needs no ${option} any more; the option will not work in the next version`
      : `${option} is now ${to}; the old name will not work in the next version`,
  )
  return args.flatMap((arg, index) => {
    if (!isOld(arg, index)) return [arg]
    return to === undefined ? [] : [to + arg.slice(option.length)]
  })
}
