import { yamlText } from '../../core/config/yaml.ts'
import { badLab, badPorts } from './lab.ts'

const HEADING = `# yaml-language-server: $schema=./sealpost.schema.json
# Bad, unusual and good servers to test clients against: \`npx sealpost start --config config/badmail.yaml\`.
# Generated from src/checks/audit by \`npm run build\`. \`sealpost audit\` runs a client against all of them.
# The client must trust the lab's root and no other: \`curl -o lab-ca.pem http://localhost:19999/root.pem\` gets it from the
# running lab, whose certificates are in memory. If names below localhost do not resolve, use \`localhost\`: every
# certificate is valid for it too, except the one of wildcard.
#
# NAME: what a safe client does (accept, refuse; careful: refuse, if it is careful), and the ports (STARTTLS/implicit TLS).
`

/** Returns the text of `config/badmail.yaml`. */
export function badmailYaml(): string {
  const lines = [...new Set(badPorts.map(({ name }) => name))].map((name) => {
    const entries = badPorts.filter((port) => port.name === name)
    const [first] = entries
    const ports = [...new Set(entries.map(({ protocol }) => protocol))].map((protocol) => {
      const numbers = entries.filter((port) => port.protocol === protocol).map(({ port }) => port)
      return `${protocol} ${numbers.join('/')}`
    })
    return `# ${name}.badmail.localhost: ${first?.expectation}. ${first?.meaning}\n#   ${ports.join(', ')}`
  })
  const { certificates, ...lab } = badLab(badPorts, ({ port }) => port)
  const body = yamlText({ ...lab, certificates: { ...certificates, service: { port: 19_999 } } })
  return `${HEADING}${lines.join('\n')}\n\n${body}`
}
