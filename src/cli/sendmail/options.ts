import { exitStatus, SendmailError } from './exit-status.ts'

/** The modes of sendmail: `-bm` sends a message, `-bs` speaks SMTP, `-bv` only verifies the recipients, `-bp` lists the queue. */
export type SendmailMode = 'send' | 'smtp' | 'verify' | 'queue' | 'flush' | 'nothing' | 'help' | 'version'

/** The options that have a meaning here. */
export interface SendmailOptions {
  mode: SendmailMode
  /** `-t`: recipients are those of the header, too. */
  fromHeader: boolean
  /** `-i`: a line with a single dot does not end the message. */
  ignoreDots: boolean
  verbose: boolean
  /** `-f` or `-r`: the envelope sender. Empty: the null reverse-path. */
  sender?: string
  /** `-F`: the full name of the sender. */
  fullName?: string
  /** `-N`. RFC 3461 section 4.1. */
  notify?: string
  /** `-R`. RFC 3461 section 4.3. */
  ret?: string
  /** `-V`. RFC 3461 section 4.4. */
  envelopeId?: string
  /** `-B`. */
  body?: string
  /** Where the lab is. */
  config?: string
  smtp?: string
  url?: string
  token?: string
  tokenFile?: string
  virtualServer?: string
  domain?: string
  /** The recipients that are named as arguments. */
  recipients: string[]
}

/** Whether an option has an argument: never, always (attached or the next word), or only attached. */
type Takes = 'nothing' | 'argument' | 'attached'

interface Option {
  readonly takes: Takes
  /** Absent: the option is ignored. */
  readonly set?: (options: SendmailOptions, argument: string) => void
}

const ignoredOption = (takes: Takes): Option => ({ takes })
const setting = (key: 'sender' | 'fullName' | 'notify' | 'ret' | 'envelopeId' | 'body' | 'smtp'): Option => ({
  takes: 'argument',
  set: (options, argument) => {
    options[key] = argument
  },
})
const sender: Option = {
  takes: 'argument',
  set: (options, argument) => {
    options.sender = argument.replace(/^<(.*)>$/s, '$1').trim()
  },
}
const flagOption = (key: 'fromHeader' | 'ignoreDots' | 'verbose'): Option => ({
  takes: 'nothing',
  set: (options) => {
    options[key] = true
  },
})

const usageError = (message: string): SendmailError => new SendmailError(exitStatus.usage, message)

const modes: Readonly<Record<string, SendmailMode>> = {
  m: 'send',
  s: 'smtp',
  v: 'verify',
  p: 'queue',
  // The lab has its addresses in its configuration.
  i: 'nothing',
}

/** Advice for the modes of a mail server. */
const otherModes: Readonly<Record<string, string>> = {
  d: 'start the lab with: sealpost start',
  D: 'start the lab with: sealpost start',
  l: 'start the lab with: sealpost start',
}

const mode: Option = {
  takes: 'argument',
  set: (options, argument) => {
    const found = modes[argument]
    if (found === undefined) throw usageError(`-b${argument} is not supported${otherMode(argument)}`)
    options.mode = found
  },
}

function otherMode(argument: string): string {
  const instead = otherModes[argument.charAt(0)]
  return instead === undefined ? '; -bm, -bs, -bv and -bp are' : `; ${instead}`
}

/** `-o` and `-O`, of which only the dots matter here. */
const setOption: Option = {
  takes: 'argument',
  set: (options, argument) => {
    if (/^(?:i[^=]*|IgnoreDots(?:=\s*(?:true|yes|1)?)?)$/i.test(argument)) options.ignoreDots = true
  },
}

/**
 * The one-letter options, which are those of sendmail 8.18, Postfix, Exim and msmtp (their manual pages sendmail(8), exim(8) and
 * msmtp(1)). What concerns only how those servers work is accepted and ignored.
 */
const letters: Readonly<Record<string, Option>> = {
  A: ignoredOption('argument'),
  B: setting('body'),
  b: mode,
  C: ignoredOption('argument'),
  c: ignoredOption('nothing'),
  D: ignoredOption('argument'),
  d: ignoredOption('attached'),
  e: ignoredOption('argument'),
  F: setting('fullName'),
  f: sender,
  G: ignoredOption('nothing'),
  h: ignoredOption('argument'),
  I: { takes: 'nothing', set: (options) => void (options.mode = 'nothing') },
  i: flagOption('ignoreDots'),
  L: ignoredOption('argument'),
  M: ignoredOption('argument'),
  m: ignoredOption('nothing'),
  N: setting('notify'),
  n: ignoredOption('nothing'),
  O: setOption,
  o: setOption,
  p: ignoredOption('argument'),
  Q: ignoredOption('attached'),
  q: { takes: 'attached', set: (options, argument) => void (options.mode = argument === '' ? 'flush' : 'nothing') },
  R: setting('ret'),
  r: sender,
  S: setting('smtp'),
  s: ignoredOption('nothing'),
  T: ignoredOption('nothing'),
  t: flagOption('fromHeader'),
  U: ignoredOption('nothing'),
  V: setting('envelopeId'),
  v: flagOption('verbose'),
  X: ignoredOption('argument'),
  x: ignoredOption('nothing'),
}

type WordKey = 'config' | 'smtp' | 'url' | 'token' | 'tokenFile' | 'virtualServer' | 'domain'

/** The options that only Sealpost has. */
const wordOptions: Readonly<Record<string, WordKey>> = {
  '--config': 'config',
  '--smtp': 'smtp',
  '--url': 'url',
  '--token': 'token',
  '--token-file': 'tokenFile',
  '--virtual-server': 'virtualServer',
  '--domain': 'domain',
}

/** Parses the arguments after `sendmail`, as getopt of POSIX does. @throws SendmailError for a wrong use */
export function parseSendmailOptions(args: readonly string[]): SendmailOptions {
  const options: SendmailOptions = {
    mode: 'send',
    fromHeader: false,
    ignoreDots: false,
    verbose: false,
    recipients: [],
  }
  const rest = [...args]
  while (/^-./.test(rest[0] ?? '')) {
    const word = rest.shift() as string
    if (word === '--') break
    if (word.startsWith('--')) readWord(options, word, rest)
    else readLetters(options, word, rest)
  }
  const late = rest.find((word) => word.startsWith('-'))
  // An address cannot begin with a dash here: it would be an option that has no effect.
  if (late !== undefined && !args.includes('--')) throw usageError(`options must come before the recipients: ${late}`)
  options.recipients = rest
  // A message that comes with `-q` must not get lost.
  if (/^(?:flush|nothing)$/.test(options.mode) && (options.fromHeader || rest.length > 0)) options.mode = 'send'
  check(options)
  return options
}

function readWord(options: SendmailOptions, word: string, rest: string[]): void {
  const [name = '', attached] = word.split(/=(.*)/s)
  if (name === '--help' || name === '--version') {
    options.mode = name === '--help' ? 'help' : 'version'
    return
  }
  const key = wordOptions[name]
  if (key === undefined) throw usageError(`unknown option ${name}; sealpost sendmail --help lists the options`)
  options[key] = attached ?? argumentOf(name, rest)
}

function readLetters(options: SendmailOptions, word: string, rest: string[]): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at)
    const option = letters[letter]
    if (!option) throw usageError(`unknown option -${letter}; sealpost sendmail --help lists the options`)
    if (option.takes === 'nothing') {
      option.set?.(options, '')
      continue
    }
    const attached = word.slice(at + 1)
    const argument = option.takes === 'argument' && attached === '' ? argumentOf(`-${letter}`, rest) : attached
    option.set?.(options, argument)
    return
  }
}

function argumentOf(name: string, rest: string[]): string {
  const argument = rest.shift()
  if (argument === undefined) throw usageError(`${name} needs an argument`)
  return argument
}

const NOTIFY = /^(?:never|(?:success|failure|delay)(?:,(?:success|failure|delay))*)$/i

function check({ notify, ret, body }: SendmailOptions): void {
  if (notify !== undefined && !NOTIFY.test(notify)) throw usageError('-N takes never, or some of success,failure,delay')
  if (ret !== undefined && !/^(?:full|hdrs)$/i.test(ret)) throw usageError('-R takes full or hdrs')
  if (body !== undefined && !/^(?:7BIT|8BITMIME)$/i.test(body)) throw usageError('-B takes 7BIT or 8BITMIME')
}
