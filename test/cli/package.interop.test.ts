import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

test('npx runs the packed tarball with its dependencies from the registry', () => {
  const place = new Workplace()
  try {
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', place.folder]
    const { stdout } = spawnSync('npm', args, { cwd: repository, encoding: 'utf8' })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    const options = { cwd: place.folder, encoding: 'utf8' } as const
    const npx = spawnSync('npx', ['--yes', `./${filename}`, '--version'], options)
    expect([npx.status, npx.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
  } finally {
    place.remove()
  }
})
