import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { runProgram } from '../../support/run-program.ts'
import { mainFile, Workplace } from '../../support/sealpost.ts'

const example = fileURLToPath(new URL('../../../examples/routing-groups', import.meta.url))
const script = fileURLToPath(new URL('exchange.mjs', import.meta.url))
const place = new Workplace()

it('three organizations exchange mail both ways and an article, over TLS with verified certificates', async () => {
  const isOwn = (path: string): boolean => !path.includes('certs')
  cpSync(example, place.folder, { recursive: true, filter: isOwn })
  const hosts = place.write(
    'hosts',
    '127.0.0.1 localhost\n127.0.0.2 mail.north.test\n127.0.0.3 mail.south.test\n127.0.0.4 mail.west.test\n',
  )
  const prepared = `mount --bind ${hosts} /etc/hosts && exec "$@"`
  const inside = ['sh', '-c', prepared, 'sh', process.execPath, script, mainFile, place.folder]
  const { status, stdout, stderr } = await runProgram('unshare', ['--map-root-user', '--net', '--mount', ...inside], {
    env: { TMPDIR: place.folder, XDG_RUNTIME_DIR: '' },
  })
  expect(status, stderr).toBe(0)
  const { north, south, inside: internal } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  expect(south).toEqual([expect.stringMatching(/^Received: from mail\.north\.test .*with ESMTPS/ms)])
  expect(south[0]).toContain('Subject: from north')
  expect(north.join()).toContain('Subject: from south')
  expect(north.join()).toContain('Subject: from west')
  expect(internal).toMatch(/^430 /)
})

it('the compose file starts a lab from each of these files', () => {
  const { services } = parse(readFileSync(join(example, 'compose.yaml'), 'utf8'), { merge: true })
  const { roots, ...labs } = services as Record<string, { command: string[]; volumes: string[] }>
  expect(Object.keys(labs)).toEqual(['north', 'south', 'west'])
  for (const [name, { command, volumes }] of Object.entries(labs)) {
    expect(command).toEqual(['start', '--config', `/${name}.yaml`])
    expect(volumes).toContain(`./${name}.yaml:/${name}.yaml:ro`)
    expect(roots?.volumes).toContain(`./${name}.yaml:/${name}.yaml:ro`)
    expect(existsSync(join(example, `${name}.yaml`))).toBe(true)
  }
})
