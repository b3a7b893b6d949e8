import { expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { FolderRegistry, type FolderState } from '../../../src/storage/store/engines/folder-registry.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'

it('lists folders in name order after each change', () => {
  const random = seededRandom(3)
  const below = (limit: number): number => Math.floor(random() * limit)
  const owner = accountOwner('alice')
  const registry = new FolderRegistry<FolderState>()
  const listed = registry.list(owner)
  expect(listed).toEqual([])
  for (let turn = 0; turn < 500; turn++) {
    const states = [...registry.all]
    const state = states[below(states.length)]
    const kind = below(state ? 4 : 1)
    if (kind < 2) {
      const folder = { id: `F${turn}`, owner, name: `f${below(10_000)}${below(3) ? '' : '/é'}`, uidValidity: turn }
      if (!registry.find(owner, folder.name)) registry.add({ folder })
    } else if (kind === 2 && state) registry.remove(state)
    else if (state)
      registry.replace([{ ...state.folder, name: below(2) ? `${state.folder.name}x` : state.folder.name }])
    if (below(3) > 0) continue
    const expected = [...registry.all].map(({ folder }) => folder)
    expect(registry.list(owner)).toEqual(expected.sort((a, b) => (a.name < b.name ? -1 : 1)))
    expect(registry.list(owner)).toBe(registry.list(owner))
  }
  for (const state of [...registry.all]) registry.remove(state)
  expect(registry.list(owner)).toEqual([])
})
