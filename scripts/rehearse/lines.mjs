import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { run } from '../packages/common.mjs'
import { end, freeOffset, freePort, start, until } from './processes.mjs'

const MAIL = 'From: shop@lab.test\r\nTo: alice@lab.test\r\nSubject: Rehearsal\r\n\r\nIt works.\r\n'

/** Ports of the lab of the package, without their offset. */
const PORTS = { smtp: 25, http: 5025 }
const ALL_PORTS = [25, 110, 995, 143, 993, 119, 563, 5025, 5443]

/** Returns the bytes in a folder, in megabytes. */
export const megabytes = (folder) => (existsSync(folder) ? Number(run('du', ['-sb', folder]).split('\t')[0]) / 1e6 : 0)

/** Sends a mail and waits until the lab lists it. */
async function seeMail(child, { smtp, list, headers = {} }, what) {
  const args = [
    '-sS',
    '-q',
    '--max-time',
    '20',
    `smtp://127.0.0.1:${smtp}`,
    '--mail-from',
    'shop@lab.test',
    '--mail-rcpt',
    'alice@lab.test',
    '-T',
    '-',
  ]
  await until(what, child, async () => run('curl', args, { input: MAIL }) === '')
  await until(what, child, async () => (await (await fetch(list, { headers })).text()).includes('Rehearsal'), 20)
}

/** Returns ports that are free now, and the environment that gives them to a lab. */
async function freePorts() {
  const offset = await freeOffset(ALL_PORTS)
  return { smtp: PORTS.smtp + offset, http: PORTS.http + offset, env: { SEALPOST_PORT_OFFSET: `${offset}` } }
}

/**
 * Runs a line with bash in a folder, until a mail has arrived in the lab that it starts.
 * @returns the seconds from the line to the mail
 */
async function timeLine(line, { folder, env, ports, program = ['bash', '-c'], path = '/api/v1/messages' }) {
  const places = ports ?? (await freePorts())
  const [command, ...args] = program
  const began = Date.now()
  const child = start(command, [...args, line], { cwd: folder, env: { ...env, ...places.env } })
  try {
    await seeMail(child, { ...places, list: `http://127.0.0.1:${places.http}${path}` }, line)
    return (Date.now() - began) / 1000
  } finally {
    await end(child)
  }
}

/** Returns an empty folder with a home of its own, and the environment of a user who has nothing yet. */
function emptyPlace(name, { folder: all, registry }) {
  const folder = join(all, name)
  const home = join(folder, 'home')
  for (const each of [folder, home, join(folder, 'work')]) mkdirSync(each, { recursive: true })
  const { PATH, LANG = 'C.UTF-8' } = process.env
  const env = {
    PATH: [join(all, 'bin'), PATH].join(delimiter),
    LANG,
    HOME: home,
    TMPDIR: folder,
    CURL_HOME: all,
    npm_config_registry: registry,
    npm_config_cache: join(home, 'npm'),
    npm_config_yes: 'true',
    NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS ?? '',
  }
  return { folder: join(folder, 'work'), home, env }
}

/** The README's lines by name: each runs its line, and returns seconds and megabytes. */
export const installers = {
  async npx(line, rehearsal) {
    const { folder, home, env } = emptyPlace('npx', rehearsal)
    const seconds = await timeLine(line, { folder, env })
    return { seconds, download: megabytes(join(home, 'npm/_cacache')), disk: megabytes(join(home, 'npm/_npx')) }
  },

  /** Installs the package in a project and runs the test that README shows. */
  async npm(line, { readme, ...rehearsal }) {
    const { folder, home, env } = emptyPlace('npm', rehearsal)
    const [, code = ''] = /## A test\n\n```js\n([^]*?)```/.exec(readme) ?? []
    writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "version": "1.0.0", "private": true }\n')
    writeFileSync(join(folder, 'welcome.test.mjs'), code)
    const began = Date.now()
    run('bash', ['-ec', line], { cwd: folder, env })
    const download = megabytes(join(home, 'npm/_cacache'))
    run('npm', ['install', '--no-save', 'nodemailer'], { cwd: folder, env })
    const output = run(process.execPath, ['--test'], { cwd: folder, env })
    if (!/^(?:ℹ|#) pass 1$/m.test(output)) throw new Error(`README's test did not pass:\n${output}`)
    return { seconds: (Date.now() - began) / 1000, download, disk: megabytes(join(folder, 'node_modules')) }
  },

  /** `docker` is podman, and ghcr.io is the registry of the rehearsal. */
  async image(line, rehearsal) {
    const { folder, env } = emptyPlace('image', rehearsal)
    const ports = await rehearsal.image.writeDocker(join(rehearsal.folder, 'bin'))
    // podman keeps its images in the real home.
    const seconds = await timeLine(line, { folder, env: { ...env, HOME: process.env.HOME }, ports })
    return { seconds, ...(await rehearsal.image.sizes()) }
  },

  async binary(line, rehearsal) {
    const { folder, home, env } = emptyPlace('binary', rehearsal)
    const seconds = await timeLine(line, { folder, env })
    return {
      seconds,
      download: megabytes(join(rehearsal.assets, 'sealpost-linux-x64.tar.xz')),
      disk: megabytes(folder) + megabytes(home),
    }
  },

  /** On a copy of this machine, where root needs no sudo. */
  async deb(line, rehearsal) {
    const { folder, env } = emptyPlace('deb', rehearsal)
    const machine = [resolve('scripts/packages/throwaway.sh'), '--net', 'bash', '-c']
    const seconds = await timeLine(`cd '${folder}' && ${line}`, {
      folder,
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      program: machine,
    })
    const deb = join(rehearsal.assets, 'sealpost_amd64.deb')
    return {
      seconds,
      download: megabytes(deb),
      disk: Number(run('dpkg-deb', ['--field', deb, 'Installed-Size'])) / 1000,
    }
  },

  async checkout(line, rehearsal) {
    const { folder, home, env } = emptyPlace('checkout', rehearsal)
    run('git', ['clone', '--quiet', '--depth', '1', `file://${process.cwd()}`, 'sealpost'], { cwd: folder })
    const cloned = megabytes(join(folder, 'sealpost/.git'))
    const seconds = await timeLine(line, { folder: join(folder, 'sealpost'), env })
    return { seconds, download: cloned + megabytes(join(home, 'npm/_cacache')), disk: megabytes(folder) }
  },

  async maildev(_, rehearsal) {
    const { folder, home, env } = emptyPlace('maildev', rehearsal)
    const ports = { smtp: await freePort(), http: await freePort() }
    const line = `npx maildev --ip 127.0.0.1 --smtp ${ports.smtp} --web ${ports.http}`
    const seconds = await timeLine(line, { folder, env, ports, path: '/api/email' })
    return { seconds, download: megabytes(join(home, 'npm/_cacache')), disk: megabytes(join(home, 'npm/_npx')) }
  },
}
