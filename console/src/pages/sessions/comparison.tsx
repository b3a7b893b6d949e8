import { Check } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { Fact } from '../../components/fact.tsx'
import { t } from '../../texts/index.ts'
import type { Handshake } from './facts.ts'

type Compared = NonNullable<Handshake['comparison']>
interface Item {
  readonly name: string
  readonly bits?: number | null
}

/** Shows the client's offer beside what the virtual server can negotiate, and marks what both have. */
export function Comparison({ handshake }: { readonly handshake: Handshake | undefined }) {
  if (!handshake?.comparison) return <p class="hint transcript-empty">{t('sessions.noHello')}</p>
  const { offered, served } = handshake.comparison
  return (
    <div class="comparison">
      <p>{handshake.explanation}</p>
      {rowsOf(offered, served).map(({ title, left, right }) => (
        <section key={title}>
          <h3>{title}</h3>
          <div class="two-lists">
            <List title={t('sessions.offered')} items={left} other={right} />
            <List title={t('sessions.served')} items={right} other={left} />
          </div>
        </section>
      ))}
      <dl class="facts">
        <Fact name={t('sessions.keyShares')}>{offered.keyShares.join(', ') || '–'}</Fact>
        <Fact name={t('sessions.signatures')}>{offered.signatureAlgorithms.join(', ') || '–'}</Fact>
        <Fact name="ALPN">{offered.alpn.join(', ') || '–'}</Fact>
      </dl>
    </div>
  )
}

function rowsOf(offered: Compared['offered'], served: Compared['served']) {
  const named = (names: readonly string[] = []): Item[] => names.map((name) => ({ name }))
  return [
    { title: t('sessions.versions'), left: named(offered.versions), right: named(served?.versions).toReversed() },
    { title: t('sessions.suites'), left: offered.suites, right: served?.suites ?? [] },
    { title: t('sessions.groups'), left: named(offered.groups), right: named(served?.groups) },
  ]
}

function List({
  title,
  items,
  other,
}: {
  readonly title: string
  readonly items: readonly Item[]
  readonly other: readonly Item[]
}) {
  const shared = new Set(other.map(({ name }) => name))
  return (
    <div>
      <h4>{title}</h4>
      {items.length === 0 && <p class="hint">–</p>}
      <ul>
        {items.map(({ name, bits }) => (
          <li key={name} class={shared.has(name) ? 'shared' : ''}>
            {shared.has(name) ? <Check size={14} aria-label={t('sessions.shared')} /> : <span class="gap" />}
            <code>{name}</code>
            {typeof bits === 'number' && bits < 128 && <Badge tone="bad">{t('sessions.bits', { n: bits })}</Badge>}
            {typeof bits === 'number' && bits >= 128 && <span class="hint">{t('sessions.bits', { n: bits })}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}
