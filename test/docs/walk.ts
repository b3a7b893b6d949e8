import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { supportsMlDsa } from '../../src/core/config/ml-dsa-support.ts'
import { ownTrust } from '../support/own-trust.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { mainFile, type Workplace } from '../support/sealpost.ts'

/** A code block of a page. */
export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly code: string
}

const CONFIGURATION = 'config/default.yaml'

/** First lines of blocks, which tell the reader too how they are meant. */
const marks = {
  example: /^# Example\b/,
  background: /^# In another terminal:\n/,
  mlDsa: /^# Node\.js 24\.6 or later:/,
  configuration: new RegExp(`^# ${CONFIGURATION}$`, 'm'),
}

/** Returns the code blocks of a page in `docs/`, or of one of its sections, in their order. */
export function blocksOf(page: string, section?: string): Block[] {
  const whole = readFileSync(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), 'utf8')
  const start = section === undefined ? 0 : whole.indexOf(`\n## ${section}\n`)
  const end = section === undefined ? -1 : whole.indexOf('\n## ', start + 1)
  const text = end < 0 ? whole : whole.slice(0, end)
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(({ index }) => index >= start)
    .map(({ index, 1: language = '', 2: code = '' }) => ({
      page,
      line: text.slice(0, index).split('\n').length,
      language,
      code,
    }))
}

/** Returns the commands of blocks as one shell script. It ends at the first command that does not do what the page says. */
function scriptOf(blocks: readonly Block[]): string {
  let configuration = ''
  const parts = blocks.map(({ language, code, page, line }) => {
    const title = `at=${page}:${line}\n`
    if (language === 'yaml' && marks.configuration.test(code)) {
      configuration = merged(configuration, code)
      return `${title}cat >${CONFIGURATION} <<'END OF CONFIGURATION'\n${configuration}END OF CONFIGURATION\n`
    }
    if (language !== 'sh' || marks.example.test(code)) return ''
    if (marks.mlDsa.test(code) && !supportsMlDsa()) return ''
    return title + (marks.background.test(code) ? inBackground(code) : withFailures(code))
  })
  return parts.join('')
}

/** Adds keys to a configuration, or replaces them. */
function merged(before: string, added: string): string {
  const document = parseDocument(before || '{}')
  for (const [key, value] of Object.entries(parseDocument(added).toJS() as object)) document.set(key, value)
  return document.toString()
}

/** Runs a command until the walk ends. Waits until it prints `ready`. */
const inBackground = (code: string): string => `rm -f ready; mkfifo ready
( exec ${code.replace(/^#.*\n/, '').trim()} ) >ready 2>>background.log </dev/null &
exec {output}<ready; sed -u '/^ready$/q' <&$output
`

/** Turns `COMMAND # fails: …` into a test that it fails. */
const withFailures = (code: string): string =>
  code
    .replaceAll(/\\\n\s*/g, '')
    .replaceAll(/^(.*?)\s+# fails\b.*$/gm, 'if $1; then echo "this command did not fail" >&2; false; fi')

/** Programs that a walk needs, besides those in the pages. */
export const walkPrograms = [
  'unshare',
  'ip',
  'bash',
  'openssl',
  'gnutls-cli',
  'certutil',
  'keytool',
  'update-ca-certificates',
]

/**
 * Runs the commands of blocks as they are written, in a folder of their own, and then `last`. They have network, processes
 * and trust stores to themselves, so that every port is free and this machine stays as it is.
 */
export function walk(
  place: Workplace,
  blocks: readonly Block[],
  last: string,
  timeoutMs: number,
): Promise<ProgramResult> {
  const folder = join(place.folder, 'walk')
  mkdirSync(join(folder, 'config'), { recursive: true })
  mkdirSync(join(place.folder, 'bin'))
  const command = place.write('bin/sealpost', `#!/bin/sh\nexec "${process.execPath}" "${mainFile}" "$@"\n`)
  chmodSync(command, 0o755)
  const script = `unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS
${ownTrust}
ip link set lo up
set -Eeuo pipefail
at=start
trap 'echo "$at: exit status $?: $BASH_COMMAND" >&2' ERR
${scriptOf(blocks)}at=end
${last}
`
  const file = place.write('walk.sh', script)
  const rights = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const own = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  const { PATH = '', ...rest } = place.environment()
  const env = { ...rest, PATH: `${join(place.folder, 'bin')}:${PATH}` }
  return runProgram('unshare', [...rights, ...own, 'bash', file], { cwd: folder, env, timeoutMs })
}

/** Shell commands that print the name of each program that accepts TLS ports of the lab with its exported roots. */
export function judges(ports: readonly number[]): string {
  const each = (name: string, command: (port: number) => string): string =>
    `${ports.map((port) => `${command(port)} >${name}.${port}.log 2>&1 </dev/null`).join(' && ')} && echo ${name} || true\n`
  return `sealpost ca export --out judged.pem
certutil -N -d sql:. --empty-password
csplit -q -z -f root- judged.pem '/BEGIN CERT/' '{*}'
for root in root-*; do
  certutil -A -d sql:. -n $root -t C,, -i $root
  keytool -importcert -noprompt -alias $root -file $root -keystore judged.p12 -storetype PKCS12 -storepass changeit 2>/dev/null
done

${each('openssl', (port) => `openssl s_client -connect localhost:${port} -CAfile judged.pem -verify_hostname localhost -verify_return_error`)}
${each('gnutls', (port) => `gnutls-cli --x509cafile judged.pem --port ${port} localhost`)}
${each('nss', (port) => `tstclnt -Q -4 -h localhost -p ${port} -d sql:.`)}
${each('java', (port) => `java -Djavax.net.ssl.trustStore=judged.p12 -Djavax.net.ssl.trustStorePassword=changeit ${javaClient} localhost ${port}`)}`
}

const javaClient = fileURLToPath(new URL('../cli/TrustingClient.java', import.meta.url))
