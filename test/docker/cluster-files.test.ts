import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { duration } from '../../src/core/config/schema/values.ts'
import { loadText } from '../../src/core/config/yaml.ts'
import { newFolder } from '../support/folder.ts'

const docker = fileURLToPath(new URL('../../docker', import.meta.url))
const read = (name: string): string => readFileSync(join(docker, name), 'utf8')

interface LabFile {
  readonly drain: { readonly delay: string; readonly timeout: string }
  readonly virtualServers: readonly { readonly port: number; readonly tlsPort?: number }[]
  readonly certificates?: { readonly service?: { readonly port: number } }
}
const labOf = (name: string): LabFile => parse(read(name), { merge: true }) as LabFile

it.each(['cluster/lab.yaml', 'kubernetes/base/lab.yaml'])('%s is valid', (name) => {
  const secret = join(newFolder(), 'secret')
  writeFileSync(secret, 'secret-of-some-length')
  const text = read(name).replace(/File: [^ },]+/g, `File: ${secret}`)
  const { lab, warnings } = loadText(text, name, docker)
  rmSync(dirname(secret), { recursive: true })
  expect(lab.store).toMatchObject({ password: 'secret-of-some-length' })
  expect(warnings).toEqual([expect.stringMatching(/0\.0\.0\.0 is not a loopback address/)])
})

const portsOf = ({ virtualServers, certificates }: LabFile): number[] =>
  [...virtualServers.flatMap(({ port, tlsPort }) => [port, tlsPort ?? 0]), certificates?.service?.port ?? 0]
    .filter((port) => port > 0)
    .sort((a, b) => a - b)

/** Milliseconds from SIGTERM to the end of the last session. */
const drainMs = ({ drain }: LabFile): number => duration.parse(drain.delay) + duration.parse(drain.timeout)

const numbers = (text: string, pattern: RegExp): number[] =>
  Array.from(text.matchAll(pattern), ([, port]) => Number(port)).sort((a, b) => a - b)

it('compose: HAProxy listens on every port of the lab and forwards it, and the host has every port of HAProxy', () => {
  const ports = portsOf(labOf('cluster/lab.yaml'))
  const haproxy = read('cluster/haproxy.cfg')
  expect(ports).toHaveLength(11)
  expect(numbers(haproxy, /server-template node 9 sealpost:(\d+)/g)).toEqual(ports)
  const status = numbers(haproxy, /^frontend metrics\n(?: .*\n)*? {2}bind :(\d+)/gm)
  const bound = numbers(haproxy, /bind :(\d+)/g)
  expect(bound).toEqual([...ports, ...status].sort((a, b) => a - b))
  expect(numbers(read('cluster/compose.yaml'), /"127\.0\.0\.1:\d+:(\d+)"/g)).toEqual(
    [...bound, 3000].sort((a, b) => a - b),
  )
})

it('compose: an engine waits longer than the lab drains, and every secret and file exists', () => {
  const compose = parse(read('cluster/compose.yaml')) as {
    readonly services: Readonly<
      Record<string, { readonly stop_grace_period?: string; readonly volumes?: string[]; readonly secrets?: string[] }>
    >
    readonly secrets: Readonly<Record<string, unknown>>
  }
  const lab = labOf('cluster/lab.yaml')
  expect(duration.parse(compose.services.sealpost?.stop_grace_period)).toBeGreaterThan(drainMs(lab) + 3_000)
  const services = Object.values(compose.services)
  const known = Object.keys(compose.secrets)
  expect(services.flatMap(({ secrets = [] }) => secrets).filter((name) => !known.includes(name))).toEqual([])
  const [, made = ''] = /^for name in (.*); do$/m.exec(read('cluster/secrets.sh')) ?? []
  expect(made.split(' ').sort()).toEqual(known.sort())
  const files = services.flatMap(({ volumes = [] }) => volumes).filter((one) => one.startsWith('.'))
  for (const file of files)
    expect(() => readdirOrFile(join(docker, 'cluster', file.split(':')[0] as string))).not.toThrow()
  expect(files.length).toBeGreaterThan(5)
})

const readdirOrFile = (path: string): unknown => (path.endsWith('grafana') ? readdirSync(path) : readFileSync(path))

it('kubernetes: the Deployment and the Services have every port of the lab, and pods get the time to drain', () => {
  const lab = labOf('kubernetes/base/lab.yaml')
  // biome-ignore lint/suspicious/noExplicitAny: the schemas of Kubernetes are checked elsewhere
  const documents = (name: string): any[] => parseAllDocuments(read(`kubernetes/base/${name}`)).map((one) => one.toJS())
  const [deployment] = documents('deployment.yaml')
  const { spec } = deployment.spec.template
  const [container] = spec.containers
  const sorted = (ports: readonly number[]): number[] => [...ports].sort((a, b) => a - b)
  const declared: readonly { readonly name: string; readonly containerPort: number }[] = container.ports
  expect(sorted(declared.map(({ containerPort }) => containerPort))).toEqual(portsOf(lab))
  const names = new Map(declared.map(({ name, containerPort }) => [name, containerPort]))
  const [service] = documents('services.yaml')
  for (const { port, targetPort } of service.spec.ports) expect(names.get(targetPort)).toBe(port)
  expect(service.spec.ports).toHaveLength(declared.length)
  const [policy] = documents('network-policy.yaml')
  expect(sorted(policy.spec.ingress[0].ports.map(({ port }: { port: number }) => port))).toEqual(portsOf(lab))
  expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainMs(lab) + 3_000)
  const mounted = container.volumeMounts.map(({ name }: { name: string }) => name)
  expect(spec.volumes.map(({ name }: { name: string }) => name).sort()).toEqual(mounted.sort())
})
