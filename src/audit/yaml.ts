import { yamlText } from '../config/yaml.ts'
import { badLab, badPorts } from './lab.ts'

const HEADING = `# yaml-language-server: $schema=./sealpost.schema.json
# Bad servers, odd servers and a few good ones, for clients to be tried on: \`npx sealpost start --config config/badmail.yaml\`.
# Made from src/audit by \`npm run config:reference\`. \`sealpost audit\` runs a client through all of them.
# Trust the lab's root (\`sealpost ca export\`), and nothing else. Where names below localhost do not resolve, the
# certificates are good for \`localhost\` too (but for wildcard's).
#
# NAME, ports (STARTTLS/implicit TLS), what a safe client does: accept, refuse; careful: refuse, if it is careful.
`

/** `config/badmail.yaml`. */
export function badmailYaml(): string {
  const lines = [...new Set(badPorts.map(({ name }) => name))].map((name) => {
    const its = badPorts.filter((port) => port.name === name)
    const [first] = its
    const ports = [...new Set(its.map(({ protocol }) => protocol))].map((protocol) => {
      const numbers = its.filter((port) => port.protocol === protocol).map(({ port }) => port)
      return `${protocol} ${numbers.join('/')}`
    })
    return `# ${name}.badmail.localhost: ${first?.expectation}. ${first?.meaning}\n#   ${ports.join(', ')}`
  })
  const body = yamlText({ ...badLab(badPorts, ({ port }) => port), authorityService: { port: 19_999 } })
  return `${HEADING}${lines.join('\n')}\n\n${body}`
}
