/** Lines of a stack trace and of the objects that Node.js prints after it. They say where, not what. */
const noise: readonly RegExp[] = [
  /^\s*$/,
  // Node.js: `    at connect (node:net:1)`, `    ^`, `  code: 'ECONNRESET',`, `}`, `Node.js v20.20.2`. Java: `\t... 11 more`
  /^\s+at\s/,
  /^\s*[\^~]+\s*$/,
  /^\s+(?:\[?[\w$]+\]?|'[^']*'): .*[,{[\w'"]$/,
  /^\s*[\])}]+[,;]?\s*$/,
  /^Node\.js v\d/,
  /^\s*\.\.\. \d+ (?:more|common frames omitted)/,
]

/** Colours, cursor movements, window titles. ECMA-48 section 5.4 */
const CONTROL = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_])|[\x00-\x08\x0b-\x1f\x7f]/g

/** The beginning of a line that names an error: `Error: …`, `Caused by: javax.net.ssl.SSLHandshakeException: …`. */
const HEADING = /^(?:Caused by: |Uncaught )?[\w.$]*(?:Error|Exception)(?: \[\w+\])?: \S/

/** A line in which a program names itself and what went wrong: `curl: (60) SSL certificate problem`. */
const REPORT =
  /^(?:\*\*\* |[\w./+-]+(?:\[\d+\])?: .*(?:error|fail|problem|reject|refus|cannot|unable|invalid|not |\(\d+\)))/i

/** Words about the subject of the audit. Many programs give the reason first, and then say that they give up. */
const ABOUT_TLS = /\b(?:certificate|TLS|SSL|handshake|STARTTLS|STLS)\b/i

/**
 * Returns the line of a program's output that most likely says what went wrong. Lines of a stack trace do not count. In a
 * stack trace it is the last heading; otherwise the last line in which the program names itself, best with a word about
 * TLS; else the last line. Returns undefined if the output has no such line.
 */
export function lastMessage(output: string): string | undefined {
  const lines = output.split(/\r?\n|\r/).map((line) => line.replaceAll(CONTROL, ''))
  const hasTrace = lines.some((line) => /^\s+at\s\S/.test(line))
  const said = lines.filter((line) => !noise.some((pattern) => pattern.test(line)))
  const reports = said.filter((line) => (hasTrace ? HEADING : REPORT).test(line))
  const best = (hasTrace ? undefined : reports.findLast((line) => ABOUT_TLS.test(line))) ?? reports.at(-1)
  return (best ?? said.at(-1))?.trim()
}
