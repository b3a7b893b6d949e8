import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { newFolder } from './folder.ts'
import { freePorts } from './free-ports.ts'

/** Debian's packages cyrus-imapd and cyrus-caldav. */
const BIN = '/usr/lib/cyrus/bin'
export const CYRUS = ['/usr/sbin/cyrmaster', `${BIN}/httpd`, `${BIN}/imapd`, '/usr/sbin/saslpasswd2'] as const

const START_MS = 30_000

/** A running Cyrus IMAP with the account alice, whose password is `secret`. */
export interface Cyrus extends AsyncDisposable {
  readonly imapPort: number
  readonly pid: number
  /** The URL of its API for JMAP. */
  readonly jmap: string
}

/** Starts Cyrus IMAP with JMAP on loopback. It does not run as root, so root starts it as the user `cyrus`. */
export async function startCyrus(): Promise<Cyrus> {
  const [imapPort = 0, httpPort = 0] = await freePorts(2)
  const folder = newFolder()
  const below = ['conf/socket', 'conf/log', 'spool', 'search', 'proc', 'lock', 'tmp', 'sock']
  for (const name of below) mkdirSync(join(folder, name), { recursive: true })
  const config = join(folder, 'imapd.conf')
  writeFileSync(config, imapdConf(folder))
  writeFileSync(join(folder, 'cyrus.conf'), cyrusConf(config, imapPort, httpPort))
  for (const realm of new Set(['localhost', hostname()]))
    spawnSync('/usr/sbin/saslpasswd2', ['-p', '-c', '-u', realm, '-f', join(folder, 'sasldb2'), 'alice'], {
      input: 'secret',
    })
  const isRoot = process.getuid?.() === 0
  if (isRoot) spawnSync('chown', ['-R', 'cyrus:mail', folder])
  const asUser = isRoot ? ['setpriv', '--reuid=cyrus', '--regid=mail', '--init-groups'] : []
  const args = ['-C', config, '-M', join(folder, 'cyrus.conf'), '-p', join(folder, 'master.pid'), '-D']
  const [program = '', ...rest] = [...asUser, CYRUS[0], ...args]
  const child = spawn(program, rest, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  const jmap = `http://127.0.0.1:${httpPort}/jmap/`
  for (const end = Date.now() + START_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const isUp = await fetch(jmap).then(
      ({ status }) => status === 401,
      () => false,
    )
    if (isUp) return { imapPort, pid: child.pid ?? 0, jmap, [Symbol.asyncDispose]: stop }
    if (Date.now() < end && child.exitCode === null) continue
    await stop()
    throw new Error(`Cyrus does not start: status ${child.exitCode}`)
  }
}

const imapdConf = (folder: string): string => `configdirectory: ${folder}/conf
partition-default: ${folder}/spool
defaultpartition: default
defaultsearchtier: t1
t1searchpartition-default: ${folder}/search
search_engine: xapian
conversations: 1
conversations_counted_flags: \\Flagged
httpmodules: jmap
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${folder}/sasldb2
sasl_mech_list: PLAIN LOGIN
allowplaintext: yes
unixhierarchysep: yes
altnamespace: yes
proc_path: ${folder}/proc
mboxname_lockpath: ${folder}/lock
lmtpsocket: ${folder}/sock/lmtp
idlesocket: ${folder}/sock/idle
notifysocket: ${folder}/sock/notify
temp_path: ${folder}/tmp
servername: localhost
autocreate_quota: 0
autocreate_inbox_folders: Drafts | Sent | Trash | Junk | Archive
${['drafts', 'sent', 'trash', 'junk', 'archive'].map((use) => `xlist-${use}: ${use[0]?.toUpperCase()}${use.slice(1)}`).join('\n')}
expunge_mode: immediate
delete_mode: immediate
`

const cyrusConf = (config: string, imapPort: number, httpPort: number): string => `START {
  recover cmd="${BIN}/ctl_cyrusdb -r -C ${config}"
}
SERVICES {
  imap cmd="${BIN}/imapd -C ${config}" listen="127.0.0.1:${imapPort}" prefork=1
  http cmd="${BIN}/httpd -C ${config}" listen="127.0.0.1:${httpPort}" prefork=1
}
EVENTS {
}
DAEMON {
}
`
