import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newFolder } from '../../../support/folder.ts'
import { freePorts } from '../../../support/free-ports.ts'
import type { ServerIdentity } from '../authority.ts'
import { endServer, startServer } from './child.ts'

export interface PostfixServer extends AsyncDisposable {
  readonly port: number
  /** Implicit TLS. */
  readonly tlsPort: number
}

export const POSTFIX = '/usr/sbin/postfix'
const PROGRAMS = '/usr/lib/postfix/sbin'

/**
 * Starts Debian's Postfix in a temporary folder. Requires root.
 * @param settings lines of main.cf to append
 */
export async function startPostfix(
  identity: Pick<ServerIdentity, 'key' | 'cert'>,
  settings = '',
): Promise<PostfixServer> {
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const folder = preparePostfix(identity, { port, tlsPort }, settings)
  const { command, args, env } = startArguments(join(folder, 'etc'))
  const child = await startServer(command, args, port, { env })
  return {
    port,
    tlsPort,
    async [Symbol.asyncDispose]() {
      await endServer(child)
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** Returns how to start a Postfix in the foreground. @param settings the folder of `main.cf` */
export const startArguments = (settings: string) => ({
  command: `${PROGRAMS}/master`,
  args: ['-c', settings, '-s'],
  env: { ...process.env, MAIL_CONFIG: settings },
})

/** Writes the files of a Postfix into a temporary folder, with its settings in `etc`. Returns the folder. Requires root. */
export function preparePostfix(
  { key, cert }: Pick<ServerIdentity, 'key' | 'cert'>,
  { port, tlsPort }: Pick<PostfixServer, 'port' | 'tlsPort'>,
  settings: string,
): string {
  const folder = newFolder()
  execFileSync('chmod', ['755', folder])
  for (const name of ['etc', 'data', 'spool']) mkdirSync(join(folder, name))
  for (const name of SPOOL) mkdirSync(join(folder, 'spool', name), { recursive: true })
  writeFileSync(join(folder, 'etc/key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'etc/cert.pem'), cert)
  writeFileSync(join(folder, 'etc/main.cf'), `${mainCf(folder)}${settings}\n`)
  writeFileSync(join(folder, 'etc/master.cf'), masterCf(port, tlsPort))
  execFileSync('chown', ['-R', 'postfix', join(folder, 'spool'), join(folder, 'data')])
  execFileSync('chown', ['root', join(folder, 'spool'), join(folder, 'spool/pid')])
  return folder
}

const SPOOL = [
  'active',
  'bounce',
  'corrupt',
  'defer',
  'deferred',
  'flush',
  'hold',
  'incoming',
  'maildrop',
  'pid',
].concat(['private', 'public', 'saved', 'trace'])

const mainCf = (folder: string): string => `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
daemon_directory = ${PROGRAMS}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination = localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file =
local_recipient_maps =
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${folder}/etc/key.pem, ${folder}/etc/cert.pem
smtpd_peername_lookup = no
`

const masterCf = (port: number, tlsPort: number): string => `127.0.0.1:${port} inet n - n - - smtpd
127.0.0.1:${tlsPort} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
local unix - n n - - local
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
`
