import { CopyButton } from '../../components/copy-button.tsx'
import { EmptyState } from '../../components/states.tsx'
import { icons } from '../../shell/icons.ts'
import { t } from '../../texts/index.ts'
import { NO_CONNECTOR } from '../mail/no-connector.ts'

/** Shown by a lab without connectors: explains that no mail is sent, and how to add a connector. */
export const NoConnectors = () => (
  <EmptyState icon={icons.outgoing} title={t('outgoing.none')}>
    <p>{t('outgoing.noneHint')}</p>
    <div class="example">
      <pre tabIndex={0}>{NO_CONNECTOR}</pre>
      <CopyButton text={NO_CONNECTOR} />
    </div>
  </EmptyState>
)
