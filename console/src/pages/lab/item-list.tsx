import { Plus, Send, Trash2 } from 'lucide-preact'
import { useState } from 'preact/hooks'
import { call } from '../../api/client.ts'
import { problemOf } from '../../api/problem.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { dropDraft, hasDraft } from '../../components/drafts.ts'
import { isLeaving, removeUnlessUndone } from '../../components/removal.ts'
import { EmptyState } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { offerUndo } from '../../components/undo-change.ts'
import { navigate, pathWith } from '../../router.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { ApplyDialog } from '../servers/apply.tsx'
import { Deliveries } from './deliveries.tsx'
import { inWords } from './fields.ts'
import { labelOf } from './labels.ts'
import { draftKey, type Item, pointerTo, type Section } from './sections.ts'

interface ItemListProps {
  readonly section: Section
  readonly items: readonly Item[]
  readonly canChange: boolean
  readonly onChange: () => void
}

/** The list of a section, with what adds and removes. */
export function ItemList({ section, items, canChange, onChange }: ItemListProps) {
  const [removing, setRemoving] = useState<Item>()
  const [deliveries, setDeliveries] = useState(0)
  const leavingId = ({ name }: Item): string => `lab ${section.name} ${name}`
  const remove = (item: Item): void => {
    const { name, step } = item
    if (step !== undefined) return setRemoving(item)
    const text = t('lab.removed', { name })
    removeUnlessUndone(leavingId(item), text, async () => section.remove?.(name).then(onChange))
  }
  const test = async (url: string): Promise<void> => {
    await call('webhooks.test', { url }).catch((error) => notifyProblem(problemOf(error)))
    setDeliveries((count) => count + 1)
    onChange()
  }
  const actions: Column<Item> = {
    name: 'actions',
    title: '',
    cell: (item) => (
      <span class="row-actions">
        {section.name === 'webhooks' && canChange && (
          <Button
            kind="plain"
            icon={Send}
            label={t('lab.testDelivery')}
            onClick={(event) => {
              event.stopPropagation()
              void test(item.name)
            }}
          />
        )}
        {canChange && (item.step !== undefined || section.remove) && (
          <Button
            kind="plain"
            icon={Trash2}
            label={t('lab.remove', { name: item.name })}
            onClick={(event) => {
              event.stopPropagation()
              remove(item)
            }}
          />
        )}
      </span>
    ),
  }
  const columns = columnsOf(section)
  return (
    <section aria-label={t(section.title)}>
      <div class="section-head">
        <p class="hint">{t(section.hint)}</p>
        {canChange && (
          <Button kind="primary" icon={Plus} onClick={() => navigate(pathWith(['lab', section.name, 'new']))}>
            {t(section.add)}
          </Button>
        )}
      </div>
      {items.length === 0 ? (
        <EmptyState title={t('lab.none')} />
      ) : (
        <Table
          caption={t(section.title)}
          columns={[...(isNarrow.value ? columns.slice(0, 2) : columns), actions]}
          rows={items.filter((item) => !isLeaving(leavingId(item)))}
          keyOf={({ name }) => name}
          onOpen={({ name }) => navigate(pathWith(['lab', section.name, name]))}
        />
      )}
      {section.name === 'webhooks' && <Deliveries key={deliveries} />}
      {removing?.step !== undefined && (
        <ApplyDialog
          changes={[{ op: 'remove', path: pointerTo(section, removing.step) }]}
          onClose={(isApplied) => {
            setRemoving(undefined)
            if (!isApplied) return
            onChange()
            dropDraft(draftKey(section, removing))
            offerUndo(t('lab.removed', { name: removing.name }))
          }}
        />
      )}
    </section>
  )
}

function columnsOf(section: Section): readonly Column<Item>[] {
  const { key, path, columns, live, isMapping } = section
  const value = (name: string, of: (item: Item) => unknown): Column<Item> => ({
    name,
    title: labelOf(name),
    sortBy: (item) => {
      const found = of(item)
      return typeof found === 'number' ? found : inWords(found)
    },
    cell: (item) => <Cell value={of(item)} />,
  })
  const name: Column<Item> = {
    name: 'name',
    title: labelOf(key ?? 'number'),
    sortBy: (item) => item.name,
    cell: (item) => (
      <>
        <strong dir="auto">{item.name}</strong>{' '}
        {path && item.step === undefined && (
          <Badge title={t('lab.notConfiguredHint')}>{t(isMapping ? 'lab.isGenerated' : 'lab.notConfigured')}</Badge>
        )}
        {hasDraft(draftKey(section, item)) && <Badge tone="warning">{t('shell.unsaved')}</Badge>}
      </>
    ),
  }
  return [
    name,
    ...columns.map((one) => value(one, ({ values, live: known }) => values[one] ?? known[one])),
    ...(live?.columns ?? []).map((one) => value(one, (item) => item.live[one])),
  ]
}

function Cell({ value }: { readonly value: unknown }) {
  if (typeof value === 'number') return formatNumber(value)
  if (typeof value === 'boolean') return t(value ? 'lab.yes' : 'lab.no')
  // Accounts of a tenant are objects with their passwords.
  const users = Array.isArray(value) ? value.map((one) => (one as { user?: string } | null)?.user ?? one) : value
  return inWords(users) || '–'
}
