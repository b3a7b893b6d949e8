import { t } from '../texts/index.ts'
import { Copyable, CopyButton } from './copy-button.tsx'

interface ConnectToProps {
  readonly host: string
  readonly port: number
  /** Commands and programs that connect there. */
  readonly examples: readonly string[]
}

/** Where a program connects to, with lines to copy. */
export const ConnectTo = ({ host, port, examples }: ConnectToProps) => (
  <>
    <dl class="first-steps">
      <div>
        <dt>{t('mail.host')}</dt>
        <dd>
          <Copyable text={host} />
        </dd>
      </div>
      <div>
        <dt>{t('mail.port')}</dt>
        <dd>
          <Copyable text={`${port}`} />
        </dd>
      </div>
    </dl>
    {examples.map((example) => (
      <div key={example} class="example">
        <pre tabIndex={0}>{example}</pre>
        <CopyButton text={example} />
      </div>
    ))}
  </>
)
