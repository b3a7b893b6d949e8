import { useState } from 'preact/hooks'
import { parse as parseYaml, stringify } from 'yaml'
import { call, type InputOf } from '../../api/client.ts'
import { Problem } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { Field, Form } from '../../components/form.tsx'
import { useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { type FaultInput, presetsFor } from './presets.ts'

/** The virtual server that a fault is for. */
interface Target {
  readonly name: string
  readonly protocol: string
}

interface AddFaultProps {
  /** Offers only what happens on this virtual server. Default: the whole lab. */
  readonly server?: Target
  readonly onAdded: () => void
}

/** Adds a fault that is written as YAML. Presets write it, and so does the link of a command in a session. */
export function AddFault({ server, onAdded }: AddFaultProps) {
  const { query } = useRoute()
  const [text, setText] = useState(() => stringify(faultOf(server?.protocol, query, server)))
  const [chosen, choose] = useState<string>()
  const add = async (): Promise<void> => {
    await call('faults.add', faultIn(text) as InputOf<'faults.add'>)
    onAdded()
  }
  return (
    <section class="add-fault" aria-label={t('faults.add')}>
      <h2>{t('faults.add')}</h2>
      <fieldset class="presets">
        <legend class="hidden">{t('faults.presets')}</legend>
        {presetsFor(server?.protocol).map(({ name, title, fault }) => (
          <Button
            key={name}
            aria-pressed={chosen === name}
            onClick={() => {
              choose(name)
              setText(stringify({ name, ...on(server, fault) }))
            }}
          >
            {t(title)}
          </Button>
        ))}
      </fieldset>
      <Form onSubmit={add} submit={t('faults.add')} fields={[]}>
        <Field
          name="fault"
          label={t('faults.yaml')}
          hint={t('faults.yamlHint')}
          rows={10}
          value={text}
          onInput={setText}
        />
      </Form>
    </section>
  )
}

/** Returns a fault that happens on one virtual server only. Its name implies the protocol. */
function on(server: Target | undefined, fault: FaultInput): FaultInput {
  if (!server) return fault
  const { protocol: _, ...when } = (fault.when ?? {}) as FaultInput
  return { ...fault, when: { virtualServer: server.name, ...when } }
}

const examples: Readonly<Record<string, readonly [verb: string, reply: string]>> = {
  smtp: ['RCPT', '451 4.3.0 Try again later'],
  pop3: ['RETR', '-ERR Try again later'],
  imap4: ['SELECT', 'NO Try again later'],
  nntp: ['GROUP', '403 Try again later'],
}

/** Returns the fault that a link asks for, or an example. */
function faultOf(protocol: string | undefined, query: URLSearchParams, server: Target | undefined): FaultInput {
  const asked = protocol ?? query.get('protocol') ?? 'smtp'
  const [verb, reply] = examples[asked] ?? []
  if (reply === undefined) return on(server, { when: { on: 'connect' }, do: { delay: '2s' }, times: 1 })
  return on(server, { when: { protocol: asked, verb: query.get('verb') ?? verb }, do: { reply }, times: 1 })
}

/** Reads the YAML. @throws Problem that says where it is wrong */
function faultIn(text: string): FaultInput {
  const mistake = (detail: string): Problem =>
    new Problem({ status: 422, kind: 'invalid', title: t('faults.notYaml'), detail })
  let read: unknown
  try {
    read = parseYaml(text)
  } catch (error) {
    throw mistake((error as Error).message)
  }
  // In the YAML file a fault is an item of a list.
  const fault = Array.isArray(read) && read.length === 1 ? read[0] : read
  if (typeof fault !== 'object' || fault === null || Array.isArray(fault)) throw mistake(t('faults.oneFault'))
  return fault as FaultInput
}
