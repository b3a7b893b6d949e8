import { z } from 'zod'
import { locatePath, stepsOf } from '../../core/config/edit/config-path.ts'
import type { ConfigChange } from '../../core/config/edit/edit-yaml.ts'
import { effectiveInput } from '../../core/config/effective.ts'
import { labJsonSchema } from '../../core/config/json-schema.ts'
import { presentOverride } from '../../core/config/load.ts'
import { pointerOf } from '../../core/config/mistakes.ts'
import { textWithoutSecrets, withoutSecrets } from '../../core/config/secrets.ts'
import { timeText } from '../../core/time/time-text.ts'
import { Content, defineOperation } from '../operation.ts'
import { versionOf } from '../version.ts'
import {
  afterRestart,
  assertUnlocked,
  changeAnswer,
  changeConfiguration,
  changeInput,
  configurationOf,
  undoChange,
  whyLocked,
} from './change.ts'
import { difference, differenceOf } from './difference.ts'
import { MAX_HISTORY, recordedChanges } from './history.ts'
import { mergeChanges } from './merge-patch.ts'

const restart = changeAnswer.shape.afterRestart

const get = defineOperation('configuration.get', 'GET /configuration', {
  summary: 'Read the configuration that the lab uses, with all defaults. Secrets are masked.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z
    .object({
      name: z
        .string()
        .describe('Name of the configuration in messages: `config/lab.yaml`, `SEALPOST_CONFIG`, `startLab()`.'),
      file: z
        .string()
        .nullable()
        .describe('The file that changes are written to. Null: they last until the lab stops.'),
      durable: z.boolean(),
      etag: z.string().describe('Version of the current text. The header field ETag begins with it.'),
      locked: z.boolean().describe('Whether this caller is forbidden to change the configuration.'),
      lockedBecause: z.string().nullable(),
      changedOnDisk: z.boolean().describe('Whether the file has changed since the lab read it.'),
      configuration: z.looseObject({}).describe('As in the YAML; config/sealpost.schema.json describes it.'),
      overrides: z
        .array(z.object({ pointer: z.string(), origin: z.string() }))
        .describe('Values of environment variables and options, which replace those of the text.'),
      warnings: z.array(z.string()),
      afterRestart: restart,
    })
    .meta({ id: 'Configuration' }),
  hasEtag: true,
  problems: ['conflict'],
  async run({ api, caller }) {
    const configuration = configurationOf(api)
    const { name, file, loaded, overrides } = configuration
    const text = await configuration.text()
    const locked = whyLocked(api, caller)
    return {
      name,
      file: file ?? null,
      durable: file !== undefined,
      etag: versionOf(text),
      locked: locked !== undefined,
      lockedBecause: locked ?? null,
      changedOnDisk: text !== (await configuration.usedText()),
      configuration: withoutSecrets(effectiveInput(loaded.input, loaded.config)),
      overrides: overrides.map(presentOverride).map(({ path, origin }) => ({ pointer: pointerOf(path), origin })),
      warnings: [...loaded.warnings],
      afterRestart: afterRestart(configuration.afterRestart),
    }
  },
})

const yaml = defineOperation('configuration.yaml', 'GET /configuration/yaml', {
  summary: 'Read the YAML of the configuration with its comments. Secrets are masked.',
  access: 'administer',
  input: z.strictObject({}),
  output: 'application/yaml',
  problems: ['conflict', 'invalid'],
  async run({ api }) {
    const configuration = configurationOf(api)
    const text = await configuration.text()
    return new Content('application/yaml', textWithoutSecrets(text, configuration.name), {
      ETag: `"${versionOf(text)}"`,
    })
  },
})

const schema = defineOperation('configuration.schema', 'GET /configuration/schema', {
  summary: 'Read the JSON Schema of the configuration: every key with its type, default and description.',
  access: 'read',
  input: z.strictObject({}),
  output: z.looseObject({}),
  run: async () => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...labJsonSchema() }),
})

const diff = defineOperation('configuration.diff', 'GET /configuration/diff', {
  summary: 'Compare the file with what the lab uses: what a reload would change.',
  access: 'administer',
  input: z.strictObject({}),
  output: z.object(difference),
  problems: ['conflict', 'invalid'],
  async run({ api }) {
    const configuration = configurationOf(api)
    return differenceOf(await configuration.usedText(), await configuration.text(), configuration.name)
  },
})

const change = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('set'),
    path: z.string().describe('JSON pointer. Selects items of lists by number or name; `-` adds an item.'),
    value: z.unknown().describe('As in the YAML.'),
  }),
  z.strictObject({ op: z.literal('remove'), path: z.string().describe('JSON pointer.') }),
  z.strictObject({
    op: z.literal('merge'),
    path: z.string().describe('JSON pointer of a mapping. Empty: the whole configuration.'),
    value: z
      .record(z.string(), z.unknown())
      .describe('A merge patch (RFC 7396) of its keys: null removes a key, whether it is set or not.'),
  }),
])

/** Returns what a requested change does to the configuration as it was written. @throws ConfigError */
function changesIn(config: unknown, { op, path, ...rest }: z.output<typeof change>): ConfigChange[] {
  if (op === 'remove') return [{ op, path }]
  const value = 'value' in rest ? rest.value : undefined
  if (op === 'set') return [{ op, path, value: value ?? null }]
  const at = path === '' ? [] : locatePath(stepsOf(path), config)
  return mergeChanges(config, at, value as Readonly<Record<string, unknown>>)
}

const patch = defineOperation('configuration.change', 'PATCH /configuration', {
  summary:
    'Set, merge and remove values of the configuration. Comments and formatting of the file stay; the lab uses it immediately.',
  access: 'administer',
  input: z.strictObject({ changes: z.array(change).min(1), ...changeInput }),
  output: changeAnswer,
  hasEtag: true,
  problems: ['conflict', 'precondition-failed'],
  run: ({ api, caller, input: { changes, ...options } }) =>
    changeConfiguration(api, caller, (config) => changes.flatMap((one) => changesIn(config, one)), options),
})

const reload = defineOperation('configuration.reload', 'POST /configuration/reload', {
  summary: 'Read the file again and use it. An invalid file changes nothing.',
  access: 'administer',
  input: z.strictObject({}),
  output: z.object({ warnings: z.array(z.string()), afterRestart: restart }),
  problems: ['conflict'],
  async run({ api, caller }) {
    assertUnlocked(api, caller)
    const { warnings, afterRestart: keys } = await configurationOf(api).reload()
    return { warnings: [...warnings], afterRestart: afterRestart(keys) }
  },
})

const recorded = z
  .object({
    id: z.string(),
    at: z.string().describe('Time of the clock of the machine, RFC 3339.'),
    by: z.string().describe('The account or token that made the change; `owner` for the owner of the process.'),
    via: z.enum(['http', 'command-line']),
    undoes: z.string().nullable().describe('Id of the change that this one undid.'),
    undoneBy: z.string().nullable().describe('Id of the change that undid this one.'),
    ...difference,
  })
  .meta({ id: 'RecordedChange' })

const history = defineOperation('configuration.history', 'GET /configuration/history', {
  listKey: 'id',
  summary: `List the latest ${MAX_HISTORY} changes of the configuration over HTTP and the command line, newest first.`,
  access: 'administer',
  input: z.strictObject({}),
  output: z.object({ items: z.array(recorded) }),
  async run({ api }) {
    const changes = await recordedChanges(api.lab.store)
    const items = changes.map(({ parts: _, at, undoes = null, ...one }) => ({
      ...one,
      at: timeText(at),
      undoes,
      undoneBy: changes.find((other) => other.undoes === one.id)?.id ?? null,
    }))
    return { items }
  },
})

const undo = defineOperation('configuration.undo', 'POST /configuration/history/{id}/undo', {
  summary: 'Undo a change of the configuration. Later changes of other lines stay.',
  access: 'administer',
  input: z.strictObject({ id: z.string().describe('Id of a change of the history.'), ...changeInput }),
  output: changeAnswer,
  hasEtag: true,
  problems: ['conflict', 'precondition-failed', 'invalid'],
  run: ({ api, caller, input: { id, ...options } }) => undoChange(api, caller, id, options),
})

export const configurationOperations = [get, yaml, schema, diff, patch, reload, history, undo] as const
