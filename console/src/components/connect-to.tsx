import { t } from '../texts/index.ts'
import { Copyable, CopyButton } from './copy-button.tsx'
import { Fact } from './fact.tsx'

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
      <Fact name={t('mail.host')}>
        <Copyable text={host} />
      </Fact>
      <Fact name={t('mail.port')}>
        <Copyable text={`${port}`} />
      </Fact>
    </dl>
    {examples.map((example) => (
      <div key={example} class="example">
        <pre tabIndex={0}>{example}</pre>
        <CopyButton text={example} />
      </div>
    ))}
  </>
)
