import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { newFolder } from './folder.ts'

/** Debian's programs, which are not in the path of all users. */
export const HAPROXY = '/usr/sbin/haproxy'
export const NGINX = '/usr/sbin/nginx'

/** nginx's mail proxy, in the package libnginx-mod-mail. */
export const NGINX_MAIL = '/usr/lib/nginx/modules/ngx_mail_module.so'

interface Proxy extends AsyncDisposable {
  /** Ends the proxy and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts HAProxy in the foreground. @param listening its ports on 127.0.0.1 */
export function startHaproxy(config: string, listening: readonly number[]): Promise<Proxy> {
  return start(
    'haproxy',
    (file) => ['-db', '-f', file],
    () => config,
    listening,
  )
}

/** Starts nginx in the foreground. @param http the content of its block `http` */
export function startNginx(http: string, listening: readonly number[]): Promise<Proxy> {
  const config = (folder: string): string => `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log ${folder}/error.log;
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      ${http}
    }`
  return start(NGINX, (file, folder) => ['-e', 'stderr', '-p', folder, '-c', file], config, listening)
}

/** Starts nginx's mail proxy in the foreground. Debian has it as a module. @param mail the content of its block `mail` */
export function startNginxMail(mail: string, listening: readonly number[]): Promise<Proxy> {
  const config = (folder: string): string => `
    load_module ${NGINX_MAIL};
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log ${folder}/error.log;
    events {}
    mail { ${mail} }`
  return start(NGINX, (file, folder) => ['-e', 'stderr', '-p', folder, '-c', file], config, listening)
}

async function start(
  program: string,
  args: (file: string, folder: string) => readonly string[],
  config: (folder: string) => string,
  listening: readonly number[],
): Promise<Proxy> {
  const folder = newFolder()
  const file = join(folder, 'proxy.conf')
  writeFileSync(file, config(folder))
  const child = spawn(program, args(file, folder), { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  try {
    for (const port of listening) await listens(child, port)
  } catch (cause) {
    await stop()
    throw new Error(`${program} did not start: ${errors}`, { cause })
  }
  return { [Symbol.asyncDispose]: stop }
}

/** Resolves once a program accepts connections at a port. */
async function listens(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => socket.once('error', () => resolve(false))),
    ]).catch(() => false)
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the process ended with status ${child.exitCode}`)
}
