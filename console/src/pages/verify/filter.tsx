import { Badge } from '../../components/badge.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import type { MatrixCell } from './matrix.tsx'
import { countText } from './state.tsx'

/** Returns the state of a table of results that the URL holds: the outcome that is shown, and the cell that is open. */
export function useShown(id: string) {
  const { query } = useRoute()
  const set = (change: Readonly<Record<string, string | undefined>>): void => {
    const given = { show: query.get('show') ?? undefined, cell: query.get('cell') ?? undefined, ...change }
    navigate(pathWith(['verify', id], given), { replace: true })
  }
  const [row, column] = query.get('cell')?.split('@') ?? []
  return {
    show: query.get('show'),
    selected: row !== undefined && column !== undefined ? ([row, column] as const) : undefined,
    filter: (show: string | undefined) => set({ show, cell: undefined }),
    select: (cell: readonly [string, string] | undefined) => set({ cell: cell?.join('@') }),
  }
}

/** The outcomes with their counts, the worst first. Each shows only its own rows. */
export const Filter = ({
  looks,
  counts,
  show,
  onShow,
}: {
  readonly looks: Readonly<Record<string, Pick<MatrixCell, 'tone' | 'icon'>>>
  readonly counts: Readonly<Record<string, number>>
  readonly show: string | null
  readonly onShow: (show: string | undefined) => void
}) => (
  <fieldset class="verify-filter">
    <legend class="hidden">{t('verify.filter')}</legend>
    <button type="button" aria-pressed={show === null} onClick={() => onShow(undefined)}>
      <Badge>{t('verify.all')}</Badge>
    </button>
    {Object.entries(looks).map(([name, { tone, icon }]) => {
      const count = counts[name] ?? 0
      return (
        <button
          key={name}
          type="button"
          disabled={count === 0}
          aria-pressed={show === name}
          onClick={() => onShow(show === name ? undefined : name)}
        >
          <Badge tone={count === 0 ? 'neutral' : tone} icon={icon}>
            {countText(name, count)}
          </Badge>
        </button>
      )
    })}
  </fieldset>
)
