import { eventNames } from '../../core/config/schema/event-names.ts'
import { OPEN_METRICS_TYPE, PROMETHEUS_TYPE } from '../metrics/exposition.ts'
import type { Json } from './schemas.ts'

/** The paths that answer with streams and plain text, so that they are no operations. */
export const otherPaths: Readonly<Record<string, Json>> = {
  '/api/v1/events': {
    get: {
      operationId: 'events.listen',
      summary: 'Listen to what happens in the lab, as server-sent events.',
      description:
        'Needs the right to read. Callers get the events of what they can see. A client that comes back with Last-Event-ID gets what it has missed, or the event `events.lost`. Several nodes of a lab have different ids: on another node, it gets `events.lost`, and what happens from then on.',
      tags: ['events'],
      parameters: [
        {
          ...queryParameter('types', 'Names of events, or the words before their dot, separated by commas.'),
          example: 'message,session.refused',
        },
        queryParameter('tenant', 'Only events of this tenant.'),
        queryParameter('lastEventId', 'As the field Last-Event-ID. `0`: everything that is kept.'),
        { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' }, description: 'Id of the last known event.' },
      ],
      responses: {
        200: {
          description: `Events with an id, a name and JSON data. Names: ${eventNames.join(', ')}. \`log\` is sent only if \`types\` has it.`,
          content: {
            'text/event-stream': {
              schema: { type: 'string' },
              example: 'id: 7\nevent: lab.reset\ndata: {"at":"2026-11-26T05:31:34.541Z"}\n\n',
            },
          },
        },
        ...problems(400, 401, 403, 404, 406),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics.get',
      summary: 'Read the metrics of the lab, for Prometheus.',
      description: 'Needs the right to read what belongs to the whole lab, which administrators and readers have.',
      tags: ['metrics'],
      responses: {
        200: {
          description: 'The metrics, in the form that Accept prefers.',
          content: Object.fromEntries(
            [PROMETHEUS_TYPE, OPEN_METRICS_TYPE].map((type) => [type, { schema: { type: 'string' } }]),
          ),
        },
        ...problems(401, 403, 406),
      },
    },
  },
  '/livez': healthPath('livez', 'Check that the process answers.', 'The process answers.'),
  '/readyz': healthPath(
    'readyz',
    'Check that the lab is ready for clients: it has started and is not stopping, its ports are open, and the store answers. `GET /api/v1/health` says what needs attention.',
    'Ready.',
    503,
  ),
}

function queryParameter(name: string, description: string): Json {
  return { name, in: 'query', required: false, schema: { type: 'string' }, description }
}

function problems(...statuses: readonly number[]): Json {
  const responses = statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }])
  return { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Problem' } }
}

function healthPath(name: string, summary: string, yes: string, ...no: readonly number[]): Json {
  return {
    get: {
      operationId: name,
      summary,
      description: 'Needs no credentials, and takes any name of the host.',
      tags: ['health'],
      security: [],
      responses: {
        200: { description: yes, content: { 'text/plain': { schema: { type: 'string' }, example: 'ok' } } },
        ...problems(400, ...no),
      },
    },
  }
}
