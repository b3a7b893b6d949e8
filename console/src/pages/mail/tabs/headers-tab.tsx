import { useState } from 'preact/hooks'
import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { CopyButton } from '../../../components/copy-button.tsx'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { rawText } from './raw-text.ts'

/** The header fields, decoded or as they were received. */
export default function HeadersTab({ message: { id }, inside }: TabProps) {
  const [isRaw, setRaw] = useState(false)
  const { value, problem } = useLoaded(`${id} ${inside} ${isRaw}`, async (signal) =>
    isRaw
      ? { raw: `${(await rawText(id, inside, signal)).split(/\r?\n\r?\n/)[0] ?? ''}\n` }
      : { headers: (await call('messages.headers', { id, inside }, { signal })).headers },
  )
  return (
    <div class="headers-tab">
      <div class="view-bar">
        <label>
          <input type="checkbox" checked={isRaw} onChange={() => setRaw(!isRaw)} /> {t('mail.rawHeaders')}
        </label>
        {value?.raw !== undefined && <CopyButton text={value.raw} />}
      </div>
      {problem && <ProblemState problem={problem} />}
      {!value && !problem && <Skeleton />}
      {value?.raw !== undefined && (
        <pre class="source" tabIndex={0}>
          {value.raw}
        </pre>
      )}
      {value?.headers && (
        <div class="table-box" tabIndex={0} role="region" aria-label={t('mail.tabHeaders')}>
          <table class="table header-table">
            <tbody>
              {value.headers.map(({ name, value: text }, index) => (
                <tr key={index}>
                  <th scope="row">{name}</th>
                  <td>
                    <code>{text}</code>
                  </td>
                  <td>
                    <CopyButton text={text} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
