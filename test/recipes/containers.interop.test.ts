import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readEnvironment } from '../../src/core/config/environment.ts'
import type { ResolvedLab } from '../../src/core/config/resolve.ts'
import { loadText } from '../../src/core/config/yaml.ts'
import { needs } from '../support/programs.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes()
const image = new URL('../../docker/config.yaml', import.meta.url)

/** Returns the lab of the image with the variables that a recipe sets. */
function labOfImage(variables: Readonly<Record<string, string>>): ResolvedLab {
  const { overrides, warnings } = readEnvironment(variables, '/')
  expect(warnings).toEqual([])
  return loadText(readFileSync(image, 'utf8'), 'docker/config.yaml', '/', overrides).lab
}

const portsOf = (lab: ResolvedLab): unknown[] => [
  lab.certificates.service?.port,
  ...lab.virtualServers.flatMap(({ port, tlsPort }) => [port, tlsPort]),
]

interface Variable {
  readonly name: string
  readonly value: string
}
interface Container {
  readonly env: readonly Variable[]
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: number } }
}
interface KubernetesObject {
  readonly kind: string
  readonly stringData?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template?: { readonly spec: { readonly containers: readonly [Container] } }
    readonly ports?: readonly { readonly port: number }[]
  }
}

const CHECK = `
import { readFileSync } from 'node:fs'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Secret, Service } from 'kubernetes-models/v1'
const kinds = { Deployment, Secret, Service }
for (const { apiVersion, ...object } of JSON.parse(readFileSync(0, 'utf8'))) {
  const checked = new kinds[object.kind](object)
  if (checked.apiVersion !== apiVersion) throw new Error(object.kind + ': apiVersion')
  checked.validate()
}
`

describe('Kubernetes', () => {
  let recipe: Recipe
  let objects: KubernetesObject[]
  beforeAll(async () => {
    recipe = await recipes.open('kubernetes', { packages: ['kubernetes-models'] })
    recipe.write('check.mjs', CHECK)
    objects = parseAllDocuments(recipe.page.files[0]?.text ?? '').map((document) => document.toJS() as KubernetesObject)
  })

  async function check(text: string): Promise<string> {
    recipe.write('objects.json', text)
    const { status, stderr } = await recipe.sh('node check.mjs <objects.json')
    return status === 0 ? 'valid' : stderr
  }

  it('has objects that fit the schemas of Kubernetes', async () => {
    const text = JSON.stringify(objects)
    expect(await check(text)).toBe('valid')
    expect(await check(text.replace('"selector"', '"select"'))).toContain('must have required property selector')
  })

  it('sets variables that the lab knows, and opens its ports', () => {
    const [secret, deployment, service] = objects
    const container = deployment?.spec?.template?.spec.containers[0]
    const variables = Object.fromEntries(
      (container?.env ?? []).map(({ name, value }) =>
        name === 'SEALPOST_ACCESS_TOKENS_FILE'
          ? ['SEALPOST_ACCESS_TOKENS', secret?.stringData?.tokens ?? '']
          : [name, value],
      ),
    )
    const lab = labOfImage(variables)
    expect(lab.access.tokens).toEqual([expect.objectContaining({ name: 'ci', token: 'at-least-16-characters' })])
    const ports = service?.spec?.ports?.map(({ port }) => port) ?? []
    expect(portsOf(lab)).toEqual(expect.arrayContaining([...ports, container?.readinessProbe.httpGet.port]))
    expect(ports).toContain(25)
  })
})

interface ComposeFile {
  readonly services: { readonly sealpost: { readonly environment: Readonly<Record<string, string>> } }
}

describe.skipIf(!needs('docker-compose'))('Docker Compose', () => {
  let recipe: Recipe
  beforeAll(async () => {
    recipe = await recipes.open('docker-compose')
    recipe.writeFiles()
  })

  it('has files that Docker Compose accepts', async () => {
    const merged = await recipe.sh('docker-compose -f compose.yaml -f compose.test.yaml config --services')
    expect([merged.status, merged.stdout.trim().split('\n').sort()], merged.stderr).toEqual([
      0,
      ['app', 'root', 'sealpost', 'tests'],
    ])
    recipe.edit('compose.yaml', 'depends_on', 'depends')
    const wrong = await recipe.sh('docker-compose -f compose.yaml config')
    expect([wrong.status === 0, wrong.stderr]).toEqual([false, expect.stringContaining('depends')])
  })

  it('sets variables that the lab knows', () => {
    const { services } = parse(recipe.page.files[0]?.text ?? '') as ComposeFile
    expect(labOfImage(services.sealpost.environment).access.tokens).toHaveLength(1)
  })
})
