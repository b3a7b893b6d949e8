import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { t } from '../texts/index.ts'

export interface Column<Row> {
  readonly name: string
  /** Empty for a column of actions. */
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** The value by which the column is sorted. Without it, the column cannot be sorted. */
  readonly sortBy?: (row: Row) => string | number
  /** Numbers are aligned at their end. */
  readonly isNumber?: boolean
}

interface Sorting {
  readonly column: string
  readonly descending: boolean
}

interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly onOpen?: (row: Row) => void
  readonly selected?: string | undefined
  /** The order at first, or, with `onSort`, the order that the URL has. */
  readonly sorting?: Sorting
  readonly onSort?: (sorting: Sorting) => void
  /** On a phone, each row is a list of its cells with their titles, below the titles of the columns that sort, if there are several rows. */
  readonly stacks?: boolean
}

/** A table with columns that sort. A row with `onOpen` opens by click and by Enter. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, onOpen, selected, onSort } = props
  const [own, setOwn] = useState(props.sorting)
  const sorting = onSort ? props.sorting : own
  const sort = (column: string): void => {
    const next = { column, descending: sorting?.column === column && !sorting.descending }
    if (onSort) onSort(next)
    else setOwn(next)
  }
  return (
    <div class={`table-box ${props.stacks ? 'stacks' : ''}`}>
      <table class="table">
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr data-title={props.stacks && rows.length > 1 ? t('shell.sortBy') : undefined}>
            {columns.map((column) =>
              column.title === '' ? (
                // A header without a title would be one without a name.
                <td key={column.name} />
              ) : (
                <Heading key={column.name} column={column} sorting={sorting} onSort={sort} />
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {sorted(rows, columns, sorting).map((row) => (
            <tr
              key={keyOf(row)}
              class={onOpen ? 'opens' : ''}
              aria-selected={onOpen ? keyOf(row) === selected : undefined}
              tabIndex={onOpen ? 0 : undefined}
              onClick={() => onOpen?.(row)}
              onKeyDown={(event) => event.key === 'Enter' && event.target === event.currentTarget && onOpen?.(row)}
            >
              {columns.map(({ name, title, cell, isNumber }) => (
                <td key={name} data-title={props.stacks && title ? title : undefined} class={isNumber ? 'number' : ''}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Heading<Row>({
  column: { name, title, sortBy, isNumber },
  sorting,
  onSort,
}: {
  readonly column: Column<Row>
  readonly sorting: Sorting | undefined
  readonly onSort: (column: string) => void
}) {
  const direction = sorting?.column === name ? (sorting.descending ? 'descending' : 'ascending') : undefined
  return (
    <th scope="col" class={isNumber ? 'number' : ''} aria-sort={direction}>
      {sortBy ? (
        <button type="button" onClick={() => onSort(name)}>
          {title}
          <span aria-hidden="true" class="direction">
            {direction === undefined ? '' : direction === 'descending' ? '▾' : '▴'}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  )
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting?: Sorting): readonly Row[] {
  const by = columns.find(({ name }) => name === sorting?.column)?.sortBy
  if (!by || !sorting) return rows
  const sign = sorting.descending ? -1 : 1
  return rows.toSorted((a, b) => {
    const [left, right] = [by(a), by(b)]
    return (
      sign *
      (typeof left === 'number' && typeof right === 'number' ? left - right : `${left}`.localeCompare(`${right}`))
    )
  })
}
