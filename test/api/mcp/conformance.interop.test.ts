import { beforeAll, expect, it } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { npx } from '../../support/npx.ts'
import { Workplace } from '../../support/sealpost.ts'

/** Scenarios that call tools, resources and prompts of a server made for them, or optional parts that no tool needs. */
const notOffered = [
  'logging-set-level',
  'completion-complete',
  'tools-call-simple-text',
  'tools-call-image',
  'tools-call-audio',
  'tools-call-embedded-resource',
  'tools-call-mixed-content',
  'tools-call-with-logging',
  'tools-call-error',
  'tools-call-with-progress',
  'tools-call-sampling',
  'tools-call-elicitation',
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
  'resources-read-text',
  'resources-read-binary',
  'resources-templates-read',
  'resources-subscribe',
  'resources-unsubscribe',
  'prompts-get-simple',
  'prompts-get-with-args',
  'prompts-get-embedded-resource',
  'prompts-get-with-image',
]

let place: Workplace
const http = HttpLab.ofTests()
beforeAll(async () => {
  place = new Workplace()
})

it('passes the official conformance tests', async () => {
  // The program fails if one of these passes, too.
  const baseline = place.write('baseline.yaml', `server: [${notOffered.join(', ')}]\n`)
  const args = ['conformance', 'server', '--url', `${http.base}/mcp`, '--expected-failures', baseline]
  const { status, stdout, stderr } = await npx('@modelcontextprotocol/conformance@0.1.16', args)
  const passed = [
    ...Buffer.from(stdout, 'latin1')
      .toString()
      .matchAll(/^✓ ([\w-]+): /gm),
  ].map(([, name]) => name)
  expect([status, passed], stdout + stderr).toEqual([
    0,
    [
      'server-initialize',
      'ping',
      'tools-list',
      'server-sse-multiple-streams',
      'resources-list',
      'prompts-list',
      'dns-rebinding-protection',
    ],
  ])
}, 180_000)
