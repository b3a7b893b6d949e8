import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const DOVEADM = '/usr/bin/doveadm'
const IMAP = '/usr/lib/dovecot/imap'

/** Returns whether Debian's dovecot-imapd is installed. @throws if it is missing in CI */
export function hasDovecot(): boolean {
  const found = fs.existsSync(DOVEADM) && fs.existsSync(IMAP)
  if (!found && process.env.SEALPOST_CI === '1') throw new Error('dovecot-imapd is not installed')
  return found
}

/** The user and group ids for Dovecot. It does not serve users as root, so under root it runs as `nobody`. */
export const [USER_ID, GROUP_ID] = process.getuid?.()
  ? ([process.getuid(), process.getgid?.() ?? 0] as const)
  : ([65_534, 65_534] as const)

/** The lines of dovecot.conf for a Dovecot that keeps everything below one folder. */
export const dovecotConfiguration = (home: string, logPath = `${home}/log`): string => `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = ${home}/run
state_dir = ${home}/state
log_path = ${logPath}
first_valid_uid = 1
mail_uid = ${USER_ID}
mail_gid = ${GROUP_ID}
mail_driver = maildir
mail_path = ${home}/Maildir
mail_home = ${home}
`

/** The lines for a server whose users all have one password, without users and folders of the system. */
export const dovecotServer = (password: string): string => `default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
passdb static {
  password = ${password}
}
userdb static {
  allow_all_users = yes
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`

/** Creates a Maildir with the given messages, from uid 1. */
export function fillMaildir(home: string, messages: readonly Buffer[]): void {
  for (const folder of ['cur', 'new', 'tmp']) fs.mkdirSync(path.join(home, 'Maildir', folder), { recursive: true })
  messages.forEach((raw, i) => {
    const name = `${1_000_000_000 + i}.M${i}.host,S=${raw.length},W=${raw.length}:2,`
    fs.writeFileSync(path.join(home, 'Maildir', 'cur', name), raw)
  })
}

/** Gives a folder and what is in it to the user of Dovecot. */
export function giveToDovecot(folder: string): void {
  if (process.getuid?.() !== 0) return
  for (const name of ['', ...fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    fs.chownSync(path.join(folder, name), USER_ID, GROUP_ID)
}

/**
 * Runs an IMAP session of Dovecot on a mailbox with the given messages (UID 1, 2 …), sends it the command lines and returns
 * its output. The messages need CRLF line ends. Starts Dovecot's imap program over a pipe, without a daemon or port.
 */
export async function dovecotSession(messages: readonly Buffer[], commands: readonly string[]): Promise<Buffer> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sealpost-dovecot-'))
  try {
    fillMaildir(home, messages)
    fs.writeFileSync(
      path.join(home, 'dovecot.conf'),
      `${dovecotConfiguration(home)}mail_debug = no\nprotocols = imap\n`,
    )
    giveToDovecot(home)
    return await run(home, ['a SELECT INBOX', ...commands, 'z LOGOUT'])
  } finally {
    fs.rmSync(home, { recursive: true, force: true })
  }
}

/**
 * Writes commands to a named pipe and reads the answers from a file. Dovecot's program does not accept the sockets that
 * Node.js uses for pipes. The pipe stays open, because the program stops at the end of its input before it has answered.
 */
async function run(home: string, lines: readonly string[]): Promise<Buffer> {
  const [commands, answerFile] = [path.join(home, 'commands'), path.join(home, 'answers')]
  spawnSync('mkfifo', [commands])
  const input = await fs.promises.open(commands, 'r+')
  const output = await fs.promises.open(answerFile, 'w')
  try {
    const env = { PATH: process.env.PATH, USER: 'sealpost', HOME: home }
    const stdio = [input.fd, output.fd, 'ignore'] as const
    const child = spawn(DOVEADM, ['-c', `${home}/dovecot.conf`, 'exec', 'imap'], { env, stdio: [...stdio] })
    await Promise.all([once(child, 'close'), input.write(Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1'))])
  } finally {
    await Promise.all([input.close(), output.close()])
  }
  const answers = fs.readFileSync(answerFile)
  if (answers.includes('\nz OK')) return answers
  throw new Error(`dovecot ended too early: ${answers.subarray(-500)} ${logOf(home)}`)
}

const logOf = (home: string): string => {
  const log = path.join(home, 'log')
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : 'no log'
}
