// Makes and reads a store fixture: a small store of this version with one of everything, for test/upgrades/.
//   node scripts/store-fixture.mjs make [FOLDER]   default: test/upgrades/fixtures/VERSION, which it replaces
//   node scripts/store-fixture.mjs read FOLDER     restores a fixture, upgrades it, and prints its facts now
// Both run the built program. A fixture has the configuration, a backup, and the facts that every later version must keep.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
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

const make = (target) =>
  inNewFolder(async (folder) => {
    writeFileSync(join(folder, 'lab.yaml'), configuration)
    const facts = await withLab(folder, async (ports) => {
      await fill(folder, ports)
      return readFacts(folder, ports)
    })
    sealpost(folder, 'store', 'backup', 'backups')
    const made = join(folder, 'fixture')
    mkdirSync(made)
    const [name] = readdirSync(join(folder, 'backups'))
    renameSync(join(folder, 'backups', name), join(made, 'backup'))
    renameSync(join(folder, 'lab.yaml'), join(made, 'lab.yaml'))
    writeFileSync(join(made, 'facts.json'), `${JSON.stringify(facts, undefined, 2)}\n`)
    rmSync(target, { recursive: true, force: true })
    cpSync(made, target, { recursive: true })
    console.log(`${target}: made by Sealpost ${version}`)
  })

/** Restores the backup, starts the lab, and lets the program check the store. */
const read = (fixture) =>
  inNewFolder(async (folder) => {
    cpSync(join(fixture, 'lab.yaml'), join(folder, 'lab.yaml'))
    sealpost(folder, 'store', 'restore', join(fixture, 'backup'))
    const facts = await withLab(folder, (ports) => readFacts(folder, ports))
    sealpost(folder, 'store', 'check')
    console.log(JSON.stringify(facts))
  })

const [command, folder] = process.argv.slice(2)
if (command === 'make') await make(resolve(folder ?? join(repository, 'test/upgrades/fixtures', version)))
else if (command === 'read' && folder) await read(resolve(folder))
else {
  console.error('write: node scripts/store-fixture.mjs make [FOLDER] | read FOLDER')
  process.exitCode = 2
}
