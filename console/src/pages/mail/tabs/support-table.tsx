import { ExternalLink } from 'lucide-preact'
import { useMemo, useState } from 'preact/hooks'
import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Badge } from '../../../components/badge.tsx'
import { Glyph } from '../../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { Table } from '../../../components/table.tsx'
import { remember, remembered } from '../../../state/preferences.ts'
import { formatNumber, t } from '../../../texts/index.ts'
import { type ClientSupport, checkHtml, families, type UsedFeature } from '../check/check.ts'

const percent = (share: number): string => `${formatNumber(Math.round(share * 100))} %`
const toneOf = (share: number): 'good' | 'warning' | 'bad' =>
  share >= 0.95 ? 'good' : share >= 0.7 ? 'warning' : 'bad'

/** Shows the features in the HTML of a message that some mail programs do not support. */
export function SupportTable({ id }: { readonly id: string }) {
  const { value: html, problem } = useLoaded(id, (signal) => call('messages.html', { id }, { signal }))
  const [chosen, setChosen] = useState<readonly string[]>(remembered('mail.clients', []))
  const [isAll, showAll] = useState(false)
  const result = useMemo(() => (html === undefined ? undefined : checkHtml(html, new Set(chosen))), [html, chosen])
  if (problem) return <ProblemState problem={problem} />
  if (!result) return <Skeleton />
  const rows = isAll ? result.features : result.features.filter(({ share }) => share < 1)
  const choose = (family: string): void => {
    const next = chosen.includes(family) ? chosen.filter((one) => one !== family) : [...chosen, family]
    setChosen(next)
    remember('mail.clients', next)
  }
  return (
    <div class="check-tab">
      <p class="score">
        <Badge tone={toneOf(result.share)}>{percent(result.share)}</Badge>{' '}
        {t('mail.checkScore', { n: result.features.length })}
      </p>
      <details>
        <summary>{chosen.length === 0 ? t('mail.allClients') : t('mail.someClients', { n: chosen.length })}</summary>
        <div class="buttons">
          {families.map(([family, name]) => (
            <label key={family}>
              <input type="checkbox" checked={chosen.includes(family)} onChange={() => choose(family)} /> {name}
            </label>
          ))}
        </div>
      </details>
      <label>
        <input type="checkbox" checked={isAll} onChange={() => showAll(!isAll)} /> {t('mail.showSupported')}
      </label>
      {rows.length === 0 ? (
        <p>{t('mail.allSupported')}</p>
      ) : (
        <Table<UsedFeature>
          caption={t('mail.tabCheck')}
          rows={rows}
          keyOf={({ title }) => title}
          columns={[
            {
              name: 'feature',
              title: t('mail.feature'),
              sortBy: ({ title }) => title,
              cell: ({ title, url }) => (
                <a href={url} target="_blank" rel="noopener noreferrer">
                  {title} <Glyph icon={ExternalLink} size={12} />
                </a>
              ),
            },
            {
              name: 'uses',
              title: t('mail.uses'),
              isNumber: true,
              sortBy: ({ uses }) => uses,
              cell: ({ uses }) => formatNumber(uses),
            },
            {
              name: 'share',
              title: t('mail.support'),
              isNumber: true,
              sortBy: ({ share }) => share,
              cell: ({ share }) => <Badge tone={toneOf(share)}>{percent(share)}</Badge>,
            },
            { name: 'none', title: t('mail.notSupportedBy'), cell: ({ none }) => <Clients clients={none} /> },
            {
              name: 'partial',
              title: t('mail.partlySupportedBy'),
              cell: ({ partial }) => <Clients clients={partial} />,
            },
          ]}
        />
      )}
      <p class="hint">{t('mail.checkSource', { date: result.updated })}</p>
    </div>
  )
}

const SHOWN = 4

/** Names of mail programs. The notes are in the tooltip. */
function Clients({ clients }: { readonly clients: readonly ClientSupport[] }) {
  const [isAll, showAll] = useState(false)
  if (clients.length === 0) return <span class="hint">–</span>
  const shown = isAll ? clients : clients.slice(0, SHOWN)
  return (
    <>
      {shown.map(({ name, notes }, index) => (
        <span key={name} title={notes.join('\n') || undefined} class={notes.length > 0 ? 'noted' : ''}>
          {index > 0 && ', '}
          {name}
        </span>
      ))}
      {clients.length > shown.length && (
        <>
          {' '}
          <button type="button" class="more" onClick={() => showAll(true)}>
            {t('mail.more', { n: clients.length - shown.length })}
          </button>
        </>
      )}
    </>
  )
}
