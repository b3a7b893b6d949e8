import { useState } from 'preact/hooks'
import { parse as parseYaml, stringify } from 'yaml'
import { call, type InputOf } from '../../api/client.ts'
import { Problem } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { Field, Form } from '../../components/form.tsx'
import { useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { type FaultInput, presets } from './presets.ts'

/** Adds a fault that is written as YAML. Presets write it, and so does the link of a command in a session. */
export function AddFault({ onAdded }: { readonly onAdded: () => void }) {
  const { query } = useRoute()
  const [text, setText] = useState(() => stringify(faultOf(query)))
  const [chosen, choose] = useState<string>()
  const add = async (): Promise<void> => {
    await call('faults.add', faultIn(text) as InputOf<'faults.add'>)
    onAdded()
  }
  return (
    <section aria-label={t('faults.add')}>
      <h2>{t('faults.add')}</h2>
      <fieldset class="presets">
        <legend class="hidden">{t('faults.presets')}</legend>
        {presets.map(({ name, title, fault }) => (
          <Button
            key={name}
            aria-pressed={chosen === name}
            onClick={() => {
              choose(name)
              setText(stringify({ name, ...fault }))
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

/** Returns the fault that a link asks for, or an example. */
function faultOf(query: URLSearchParams): FaultInput {
  const [protocol, verb] = [query.get('protocol') ?? 'smtp', query.get('verb') ?? 'RCPT']
  const reply = protocol === 'imap4' ? 'NO Try again later' : protocol === 'pop3' ? '-ERR Try again later' : undefined
  return {
    when: { protocol, verb },
    do: { reply: reply ?? (protocol === 'nntp' ? '403 Try again later' : '451 4.3.0 Try again later') },
    times: 1,
  }
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
