import { z } from 'zod'
import { pathOfItem, slug } from '../../core/config/edit/config-path.ts'
import { pointerOf } from '../../core/config/mistakes.ts'
import { virtualServerName } from '../../core/config/resolve.ts'
import { virtualServer as keys } from '../../core/config/schema/virtual-server.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import type { Api } from '../api.ts'
import { flag, nullable } from '../input-types.ts'
import { defineOperation, locationAt } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { changeAnswer, changeConfiguration, changeInput } from './change.ts'
import { mergeChanges } from './merge-patch.ts'

const id = z.string().describe('Id of the virtual server, as in the list of virtual servers.')

/** @throws ApiProblem `not-found` */
function assertExists({ lab }: Api, wanted: string): void {
  const ids = lab.config.virtualServers.map(({ name }) => slug(name))
  if (!ids.includes(wanted)) throw notFound(`there is no virtual server ${wanted}; there are: ${ids.join(', ')}`)
}

const create = defineOperation('virtualServers.create', 'POST /virtual-servers', {
  summary: 'Add a virtual server to the configuration. It starts immediately.',
  access: 'administer',
  input: z.looseObject(changeInput).describe('The keys of a virtual server as in the YAML.'),
  describedInput: keys.extend(changeInput),
  output: changeAnswer.extend({ id: z.string().describe('Id of the new virtual server.') }),
  status: 201,
  location: locationAt('/virtual-servers/{id}'),
  hasEtag: true,
  problems: ['conflict', 'precondition-failed'],
  async run({ api, caller, input: { dryRun, ifMatch, ...server } }) {
    const name = String(virtualServerName(server as { name?: string; protocol: ServerProtocol }))
    if (api.lab.config.virtualServers.some((one) => slug(one.name) === slug(name))) {
      throw new ApiProblem('conflict', `there is a virtual server "${name}" already; give this one another name`)
    }
    const add = { op: 'set', path: '/virtualServers/-', value: server } as const
    const changed = await changeConfiguration(api, caller, () => [add], { dryRun, ifMatch })
    return { ...changed, id: slug(name) }
  },
})

const update = defineOperation('virtualServers.update', 'PATCH /virtual-servers/{id}', {
  summary: 'Change settings of a virtual server in the configuration. New connections use them immediately.',
  access: 'administer',
  input: z
    .looseObject({ id, ...changeInput })
    .describe('A merge patch (RFC 7396) of the keys of a virtual server as in the YAML: null removes a key.'),
  describedInput: z.object({ id, ...nullable(keys.shape), ...changeInput }),
  output: changeAnswer,
  hasEtag: true,
  problems: ['conflict', 'precondition-failed'],
  run({ api, caller, input: { id: wanted, dryRun, ifMatch, ...settings } }) {
    assertExists(api, wanted)
    const changesOf = (config: unknown) =>
      mergeChanges(config, pathOfItem(['virtualServers'], wanted, config), settings)
    return changeConfiguration(api, caller, changesOf, { dryRun, ifMatch })
  },
})

const remove = defineOperation('virtualServers.delete', 'DELETE /virtual-servers/{id}', {
  summary: 'Remove a virtual server from the configuration. Its ports close, and its sessions end.',
  access: 'administer',
  input: z.strictObject({ id, dryRun: flag.default(false), ifMatch: changeInput.ifMatch }),
  output: changeAnswer,
  hasEtag: true,
  problems: ['conflict', 'precondition-failed', 'invalid'],
  run({ api, caller, input: { id: wanted, ...options } }) {
    assertExists(api, wanted)
    const changesOf = (config: unknown) => [
      { op: 'remove', path: pointerOf(pathOfItem(['virtualServers'], wanted, config)) } as const,
    ]
    return changeConfiguration(api, caller, changesOf, options)
  },
})

export const virtualServerChanges = [create, update, remove] as const
