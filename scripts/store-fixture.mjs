// Makes and reads a store fixture: a small store of this version with one of everything, for test/storage/upgrades/.
//   node scripts/store-fixture.mjs make [FILE]   default: test/storage/upgrades/fixtures/VERSION.tar.gz, which it replaces
//   node scripts/store-fixture.mjs read FILE     restores a fixture, upgrades it, and prints its facts then and now
// Both run the built program, and tar. A fixture has the configuration, a backup, and the facts that every later version
// must keep.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configuration, fill } from './store-fixture/contents.mjs'
import { readFacts } from './store-fixture/facts.mjs'
import { sealpost, withLab } from './store-fixture/lab.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))

async function inNewFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-fixture-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tar(...args) {
  const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tar ${args.join(' ')} failed:\n${stderr}`)
}

const make = (fixture) =>
  inNewFolder(async (folder) => {
    writeFileSync(join(folder, 'lab.yaml'), configuration)
    const facts = await withLab(folder, async (ports) => {
      await fill(folder, ports)
      return readFacts(folder, ports)
    })
    sealpost(folder, 'store', 'backup', 'backups')
    writeFileSync(join(folder, 'facts.json'), `${JSON.stringify(facts, undefined, 2)}\n`)
    mkdirSync(dirname(fixture), { recursive: true })
    tar('-czf', fixture, '-C', folder, 'lab.yaml', 'facts.json', 'backups')
    console.log(`${fixture}: made by Sealpost ${version}`)
  })

/** Restores the backup, starts the lab, and lets the program check the store. */
const read = (fixture) =>
  inNewFolder(async (folder) => {
    tar('-xzf', fixture, '-C', folder)
    sealpost(folder, 'store', 'restore', 'backups')
    const now = await withLab(folder, (ports) => readFacts(folder, ports))
    sealpost(folder, 'store', 'check')
    const then = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8'))
    console.log(JSON.stringify({ then, now }))
  })

const [command, file] = process.argv.slice(2)
if (command === 'make')
  await make(resolve(file ?? join(repository, `test/storage/upgrades/fixtures/${version}.tar.gz`)))
else if (command === 'read' && file) await read(resolve(file))
else {
  console.error('write: node scripts/store-fixture.mjs make [FILE] | read FILE')
  process.exitCode = 2
}
