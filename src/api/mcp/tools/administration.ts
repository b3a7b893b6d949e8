import { ADDS, READS, REPLACES, type Tool } from '../tool.ts'

/** Tools that are operations, with words for agents. */
export const administrationTools: readonly Tool[] = [
  {
    name: 'list_certificates',
    title: 'List certificates',
    description:
      'Lists the certificates of the lab with names, dates, key, state and the virtual servers that use them.',
    operation: 'certificates.list',
    hints: READS,
  },
  {
    name: 'issue_certificate',
    title: 'Issue a certificate',
    description: 'Issues a certificate from an authority of the lab for a virtual server, which serves it immediately.',
    operation: 'certificates.issue',
    hints: REPLACES,
  },
  {
    name: 'assign_certificate',
    title: 'Assign a certificate',
    description:
      'Assigns a certificate of the lab to a virtual server, which serves it to new connections immediately.',
    operation: 'certificates.assign',
    hints: REPLACES,
  },
  {
    name: 'list_faults',
    title: 'List faults',
    description: 'Lists the faults that the lab injects, with how often each has happened.',
    operation: 'faults.list',
    hints: READS,
  },
  {
    name: 'add_fault',
    title: 'Add a fault',
    description:
      'Makes the lab misbehave on purpose: { "when": { "verb": "RCPT" }, "do": { "reply": "451 4.7.1 Later" }, "times": 1 }. The answer has the id for remove_fault.',
    operation: 'faults.add',
    hints: ADDS,
  },
  {
    name: 'remove_fault',
    title: 'Remove a fault',
    description: 'Removes a fault that add_fault added.',
    operation: 'faults.remove',
    hints: REPLACES,
  },
  {
    name: 'reset',
    title: 'Reset the lab',
    description: 'Deletes every message and session record, and every fault that was added.',
    operation: 'reset',
    hints: { ...REPLACES, idempotentHint: true },
  },
]
