import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Glyph, type Icon } from '../../components/icon.tsx'

type Tone = 'good' | 'warning' | 'bad' | 'neutral'

interface MatrixColumn {
  readonly key: string
  /** Neighbours with the same heading share it. */
  readonly group: string
  readonly title: string
  readonly hint: string
}

export interface MatrixRow {
  readonly key: string
  /** Rows with the same heading follow each other. Empty: no heading. */
  readonly group: string
  readonly title: string
}

export interface MatrixCell {
  readonly tone: Tone
  readonly icon: Icon
  readonly word: string
  /** The reason in a line. */
  readonly label: string
}

interface MatrixProps {
  readonly caption: string
  readonly corner: string
  readonly columns: readonly MatrixColumn[]
  readonly rows: readonly MatrixRow[]
  readonly cell: (row: string, column: string) => MatrixCell | undefined
  /** Row and column of the cell that is open. */
  readonly selected: readonly [string, string] | undefined
  readonly onSelect: (row: string, column: string) => void
}

/** Up to this number of columns, there is room for the reasons. */
const FEW_COLUMNS = 3

/** How far each arrow key moves: rows and columns. */
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}

/** A table of states that can be opened. Arrow keys move between the cells. */
export function Matrix({ caption, corner, columns, rows, cell, selected, onSelect }: MatrixProps) {
  const box = useRef<HTMLDivElement>(null)
  const [row, column] = selected ?? []
  // The panel with the details takes room: what it tells of stays in sight.
  useEffect(() => {
    box.current?.querySelector('[aria-pressed=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [row, column])
  const move = (event: KeyboardEvent): void => {
    const by = MOVES[event.key]
    const from = (event.target as Element).closest<HTMLElement>('[data-row]')
    if (!by || !from) return
    event.preventDefault()
    const [at, across] = [Number(from.dataset.row), Number(from.dataset.column)]
    let [to, along] = [at + by[0], across + by[1]]
    // Cells without a state are skipped.
    while (to >= 0 && to < rows.length && along >= 0 && along < columns.length) {
      const found = box.current?.querySelector<HTMLElement>(`[data-row="${to}"][data-column="${along}"]`)
      if (found) return found.focus()
      ;[to, along] = [to + by[0], along + by[1]]
    }
  }
  const first = firstCell(rows, columns, cell)
  const tabStop = rows.some(({ key }) => key === row) && cell(row as string, column as string) ? selected : first
  return (
    <div ref={box} class="matrix-box" onKeyDown={move}>
      <table class={`matrix ${columns.length <= FEW_COLUMNS ? 'spacious' : ''}`}>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col" rowSpan={2} class="matrix-corner">
              {corner}
            </th>
            {spans(columns).map(([title, span], index) => (
              <th key={index} scope="colgroup" colSpan={span} title={title}>
                <span>{title}</span>
              </th>
            ))}
          </tr>
          <tr>
            {columns.map(({ key, title, hint }) => (
              <th key={key} scope="col">
                {title}
                <small>{hint}</small>
              </th>
            ))}
          </tr>
        </thead>
        {grouped(rows).map(([title, own]) => (
          <tbody key={title}>
            {title !== '' && (
              <tr class="matrix-group">
                <th scope="rowgroup" colSpan={columns.length + 1}>
                  <span>{title}</span>
                </th>
              </tr>
            )}
            {own.map((one) => (
              <tr key={one.key}>
                <th scope="row">{one.title}</th>
                {columns.map(({ key }, index) => {
                  const found = cell(one.key, key)
                  return (
                    <td key={key}>
                      {found && (
                        <Cell
                          found={found}
                          row={rows.indexOf(one)}
                          column={index}
                          isTabStop={tabStop?.[0] === one.key && tabStop[1] === key}
                          isSelected={row === one.key && column === key}
                          onSelect={() => onSelect(one.key, key)}
                        />
                      )}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}

function Cell({
  found: { tone, icon, word, label },
  row,
  column,
  isTabStop,
  isSelected,
  onSelect,
}: {
  readonly found: MatrixCell
  readonly row: number
  readonly column: number
  readonly isTabStop: boolean
  readonly isSelected: boolean
  readonly onSelect: () => void
}) {
  return (
    <button
      type="button"
      class={`matrix-cell ${tone}`}
      data-row={row}
      data-column={column}
      tabIndex={isTabStop ? 0 : -1}
      aria-pressed={isSelected}
      title={label}
      onClick={onSelect}
    >
      <Glyph icon={icon} size={14} />
      {word}
      <span class="matrix-reason" aria-hidden="true">
        {label}
      </span>
    </button>
  )
}

function firstCell(
  rows: readonly MatrixRow[],
  columns: readonly MatrixColumn[],
  cell: MatrixProps['cell'],
): readonly [string, string] | undefined {
  for (const row of rows) for (const column of columns) if (cell(row.key, column.key)) return [row.key, column.key]
  return undefined
}

/** Returns the headings of the columns with how many columns each has. */
function spans(columns: readonly MatrixColumn[]): readonly (readonly [string, number])[] {
  const found: [string, number][] = []
  for (const { group } of columns) {
    const last = found.at(-1)
    if (last?.[0] === group) last[1]++
    else found.push([group, 1])
  }
  return found
}

function grouped(rows: readonly MatrixRow[]): readonly (readonly [string, readonly MatrixRow[]])[] {
  const groups = [...new Set(rows.map(({ group }) => group))]
  return groups.map((group) => [group, rows.filter((row) => row.group === group)])
}

/** Shows the open cell, with its parts beside each other. */
export const Detail = ({ label, children }: { readonly label: string; readonly children: ComponentChildren }) => (
  <aside class="matrix-detail" aria-label={label}>
    {children}
  </aside>
)
