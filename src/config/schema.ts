import type { z } from 'zod'
import type { labSchema } from './schema/lab.ts'

/**
 * The schema of a lab: the one place that gives every key its type, its default and its meaning. `config/reference.yaml`,
 * the JSON Schema, the YAML reader's errors and the types of `startLab()` are all made from it. One file a concept under
 * `schema/`.
 */
export { type DefectName, defectNames, defectOf } from './schema/defect.ts'
export { labKeys, labSchema } from './schema/lab.ts'
export { type Protocol, protocols, protocolTitles, standardPorts } from './schema/protocol.ts'
export { type LegacySuiteName, tlsVersions } from './schema/tls.ts'

/** What a user writes: the YAML's keys as an object; what has a default may be absent. */
export type LabInput = z.input<typeof labSchema>
/** What the schema gives: every default filled in. */
export type LabConfig = z.output<typeof labSchema>
export type VirtualServerConfig = LabConfig['virtualServers'][number]
export type NewsgroupConfig = LabConfig['newsgroups'][number]
export type AccountConfig = LabConfig['directory']['accounts'][number]
export type FeedConfig = VirtualServerConfig['feeds'][number]
