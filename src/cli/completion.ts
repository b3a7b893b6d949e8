import { Argument, type Command, type Option } from 'commander'
import { print } from './shared/output.ts'

/** A command and what can follow it. */
interface Row {
  /** Its words after `sealpost`. */
  readonly path: string
  readonly subcommands: readonly (readonly [name: string, description: string])[]
  readonly options: readonly Option[]
}

/** Adds `sealpost completion`. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that uses it').choices(Object.keys(scripts)))
    .action((shell: keyof typeof scripts) => print(scripts[shell](rowsOf(program, ''))))
}

function rowsOf(command: Command, path: string): Row[] {
  const subcommands = command.commands.map((one) => [one.name(), one.description()] as const)
  const own = { path, subcommands, options: command.options }
  return [own, ...command.commands.flatMap((one) => rowsOf(one, `${path} ${one.name()}`.trim()))]
}

const namesOf = ({ long, short }: Option): string[] => [long, short].flatMap((name) => name ?? [])

/** The words that can follow a command, each with what it means. */
const wordsOf = ({ subcommands, options }: Row): (readonly [word: string, meaning: string])[] => [
  ...subcommands,
  ...options.flatMap((option) => (option.long ? [[option.long, option.description] as const] : [])),
  ['--help', 'display help for command'],
]

/** Returns the options that take a value, with its choices. Without choices, any value is valid. */
const valuesOf = ({ path, options }: Row) =>
  options
    .filter((option) => option.required || option.optional)
    .map((option) => ({ path, names: namesOf(option), choices: option.argChoices ?? [] }))

/** A text in single quotes, as every shell here reads it. */
const quoteForShell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** The loop that finds the command in the words before the cursor, for bash and zsh. */
function findPath(rows: readonly Row[], words: string): string {
  const paths = rows.filter(({ path }) => path !== '').map(({ path }) => (path.includes(' ') ? path : ` ${path}`))
  return `  local path= word
  for word in ${words}; do
    case "$path $word" in
      ${paths.map(quoteForShell).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done`
}

function bash(rows: readonly Row[]): string {
  const values = rows.flatMap(valuesOf)
  return `# bash completion of sealpost: source <(sealpost completion bash)
_sealpost() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} list=
${findPath(rows, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`)}
  case "$path $prev" in
${values.map(({ path, names, choices }) => `    ${names.map((name) => quoteForShell(`${path} ${name}`)).join('|')}) list=${quoteForShell(choices.join(' '))} ;;`).join('\n')}
    *) case $path in
${rows
  .map(
    (row) =>
      `      ${quoteForShell(row.path)}) list=${quoteForShell(
        wordsOf(row)
          .map(([word]) => word)
          .join(' '),
      )} ;;`,
  )
  .join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$list" -- "$cur"))
}
complete -o default -F _sealpost sealpost`
}

function zsh(rows: readonly Row[]): string {
  const described = (row: Row): string =>
    wordsOf(row)
      .map(([word, meaning]) => quoteForShell(`${word}:${meaning}`))
      .join(' ')
  return `#compdef sealpost
# zsh completion of sealpost: source <(sealpost completion zsh), or save it as _sealpost in a folder of $fpath
_sealpost() {
  local -a list
${findPath(rows, `"\${(@)words[2,CURRENT-1]}"`)}
  case "$path \${words[CURRENT-1]}" in
${rows
  .flatMap(valuesOf)
  .map(
    ({ path, names, choices }) =>
      `    ${names.map((name) => quoteForShell(`${path} ${name}`)).join('|')}) list=(${choices.map(quoteForShell).join(' ')}) ;;`,
  )
  .join('\n')}
    *) case $path in
${rows.map((row) => `      ${quoteForShell(row.path)}) list=(${described(row)}) ;;`).join('\n')}
    esac ;;
  esac
  if (( $#list )); then _describe sealpost list; else _files; fi
}
if [[ $funcstack[1] == _sealpost ]]; then _sealpost "$@"; else compdef _sealpost sealpost; fi`
}

function fish(rows: readonly Row[]): string {
  const paths = rows.filter(({ path }) => path !== '').map(({ path }) => quoteForShell(path))
  const lines = rows.flatMap(({ path, subcommands, options }) => {
    const at = `complete -c sealpost -n ${quoteForShell(`__sealpost_at ${quoteForShell(path)}`)}`
    return [
      ...subcommands.map(([name, meaning]) => `${at} -f -a ${name} -d ${quoteForShell(meaning)}`),
      ...options.map((option) => {
        const { long, short, description, argChoices } = option
        const names = [long && `-l ${long.slice(2)}`, short && `-s ${short.slice(1)}`].filter(Boolean).join(' ')
        const takesValue = option.required || option.optional
        const value = argChoices ? ` -x -a ${quoteForShell(argChoices.join(' '))}` : takesValue ? ' -r' : ''
        return `${at} ${names}${value} -d ${quoteForShell(description)}`
      }),
    ]
  })
  return `# fish completion of sealpost: sealpost completion fish | source
function __sealpost_at
  set -l path
  for word in (commandline -opc)[2..-1]
    if contains -- "$path$word" ${paths.join(' ')}
      set path "$path$word "
    end
  end
  test (string trim -- "$path") = "$argv"
end
${lines.join('\n')}`
}

const scripts = { bash, zsh, fish } as const
