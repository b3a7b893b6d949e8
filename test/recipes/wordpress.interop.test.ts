import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { runProgram } from '../support/run-program.ts'
import { describeRecipe } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'

const WORDPRESS = '/usr/share/wordpress'
const servers: ChildProcess[] = []
const database = mkdtempSync(join(tmpdir(), 'sealpost-mariadb-'))
const socket = join(database, 'socket')

afterAll(async () => {
  for (const server of servers.reverse()) {
    const ended = once(server, 'exit')
    process.kill(-(server.pid as number))
    await ended
  }
  rmSync(database, { recursive: true, force: true })
})

if (ifInstalled('php', 'phpunit', 'mariadbd', 'mariadb-install-db', 'mariadb', hasFile(`${WORDPRESS}/wp-load.php`)))
  describeRecipe('wordpress', {
    ports: [8080],
    async prepare(recipe) {
      cpSync(WORDPRESS, recipe.folder, { recursive: true })
      await startDatabase()
      await install(recipe)
      await startSite(recipe)
    },
    passes: /^OK\b/m,
    untrusted: /no message with/,
    spoiled: [
      ['tests/LostPasswordTest.php', 'user_login=admin', 'user_login=nobody'],
      ['tests/LostPasswordTest.php', '10s', '1ms'],
    ],
    fails: /no message with/,
  })

/** Starts a program with its own process group. Resolves when it has printed a text. */
async function start(command: readonly [string, ...string[]], cwd: string, text: string): Promise<void> {
  const [program, ...args] = command
  const server = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  servers.push(server)
  let printed = ''
  for await (const part of server.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += part
    if (printed.includes(text)) return void server.stderr.resume()
  }
  throw new Error(printed)
}

/** Starts MariaDB with an empty database. */
async function startDatabase(): Promise<void> {
  const data = [`--datadir=${database}/data`, '--user=root']
  const options = ['--skip-test-db', '--auth-root-authentication-method=normal']
  expect(await runProgram('mariadb-install-db', [...data, ...options])).toMatchObject({ status: 0 })
  const mariadbd = ['mariadbd', ...data, `--socket=${socket}`, '--skip-networking'] as const
  await start([...mariadbd], database, 'ready for connections')
  const create = ['--user=root', `--socket=${socket}`, '--execute=CREATE DATABASE shop']
  expect(await runProgram('mariadb', create)).toMatchObject({ status: 0 })
}

/** Installs WordPress, as its form /wp-admin/install.php does. */
async function install(recipe: Recipe): Promise<void> {
  recipe.write('wp-config.php', recipe.here(configuration))
  recipe.write('install.php', installation)
  expect(await recipe.sh('php install.php')).toMatchObject({ status: 0, stderr: '' })
}

/** Starts the web server with the commands of the page that belong in another terminal. */
function startSite(recipe: Recipe): Promise<void> {
  const commands = /^```sh\n(# In another terminal.*?)^```$/ms.exec(recipe.page.text)?.[1] ?? ''
  return start(['bash', '-c', recipe.here(commands)], recipe.folder, 'started')
}

const configuration = `<?php
define('DB_NAME', 'shop');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:${socket}');
define('DB_CHARSET', 'utf8mb4');
define('WP_SITEURL', 'http://localhost:8080');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';
`

const installation = `<?php
define('WP_INSTALLING', true);
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
function wp_new_blog_notification() {}
wp_install('Shop', 'admin', 'admin@example.com', true, '', 'secret');
`
