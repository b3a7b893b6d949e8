import { expect, test } from 'vitest'
import { connector } from '../../../src/core/config/schema/connector.ts'
import { dnsConnectorFor } from '../../../src/transport/outgoing/connectors.ts'

const all = { name: 'All', route: 'dns', when: 'automatic' }
const smartHost = { host: 'relay.test' }

test.each([
  ['the one for all domains', [all], 'All'],
  ['the one with the domain', [all, { ...all, name: 'Own', domains: ['Example.test'] }], 'Own'],
  ['none for other domains', [{ ...all, domains: ['*.example.test'] }], undefined],
  ['none that never sends', [{ ...all, when: 'never' }], undefined],
  [
    'none if the domain has one that never sends',
    [all, { ...all, when: 'never', domains: ['example.test'] }],
    undefined,
  ],
  ['none if the domain has a smart host', [all, { name: 'Host', smartHost, domains: ['example.test'] }], undefined],
  ['the next one if a smart host has filters', [{ name: 'Host', smartHost, filters: { from: ['a@b'] } }, all], 'All'],
])('a report to a domain takes %s', (_, configured, name) => {
  const connectors = configured.map((one) => connector.parse(one) as Parameters<typeof dnsConnectorFor>[0][number])
  expect(dnsConnectorFor(connectors, 'example.test')?.name).toBe(name)
})
