import os from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Blobs, defaultMaxOctets } from '../../../src/storage/store/engines/memory/blobs.ts'

const MEBIBYTE = 1024 * 1024
const blobs = (maxOctets = MEBIBYTE) => new Blobs('T-', maxOctets)

describe('blobs in memory', () => {
  it('copy a small message, so that the buffer it came from can be freed', () => {
    const store = blobs()
    const received = Buffer.alloc(MEBIBYTE, 'x')
    const kept = store.get(store.add([received.subarray(0, 100)], 1))
    expect(kept?.toString()).toBe('x'.repeat(100))
    expect(kept?.buffer.byteLength).toBeLessThan(MEBIBYTE)
  })

  it('share a buffer between small messages without mixing them', () => {
    const store = blobs()
    const ids = Array.from({ length: 40 }, (_, i) => store.add([Buffer.alloc(5_000, i)], 1))
    const kept = ids.map((id) => store.get(id) as Buffer)
    for (const [i, octets] of kept.entries()) expect(octets.equals(Buffer.alloc(5_000, i))).toBe(true)
    expect(kept[1]?.buffer).toBe(kept[0]?.buffer)
    expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeLessThan(4)
  })

  it('keep many messages in few buffers, so that V8 has little to mark', () => {
    const store = blobs(64 * MEBIBYTE)
    const ids = Array.from({ length: 3_000 }, (_, i) =>
      store.add([Buffer.alloc(10_000, i), Buffer.alloc(10_000, i)], 1),
    )
    const kept = ids.slice(100).map((id) => store.get(id) as Buffer)
    expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeLessThan(12)
    for (const [i, octets] of kept.entries()) expect([octets.length, octets[19_999]]).toEqual([20_000, (i + 100) % 256])
  })

  it('free the memory of deleted messages although a few messages between them stay', () => {
    const store = blobs(64 * MEBIBYTE)
    const octetsOf = (i: number): Buffer => Buffer.alloc(2_000, i)
    const ids = Array.from({ length: 10_000 }, (_, i) => store.add([octetsOf(i)], 1))
    const view = store.get(ids[0] as string)
    ids.forEach((id, i) => {
      if (i % 50 !== 0) store.release(id)
    })
    const buffers = new Set(ids.flatMap((id) => store.get(id)?.buffer ?? []))
    const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(held).toBeLessThan(4 * MEBIBYTE)
    ids.forEach((id, i) => {
      expect(store.get(id)?.equals(octetsOf(i)) ?? 'freed').toBe(i % 50 === 0 || 'freed')
    })
    expect(view?.equals(octetsOf(0))).toBe(true)
  })

  it('keep a large piece without a copy, unless it is a small part of its buffer', () => {
    const store = blobs()
    const large = Buffer.alloc(100_000, 'x')
    expect(store.get(store.add([large], 1))).toBe(large)
    const part = Buffer.alloc(MEBIBYTE, 'y').subarray(0, 100_000)
    const kept = store.get(store.add([part], 1))
    expect(kept?.equals(part)).toBe(true)
    expect(kept?.buffer.byteLength).toBe(100_000)
  })

  it('join pieces', () => {
    const store = blobs()
    const pieces = Array.from({ length: 1_000 }, (_, i) => Buffer.alloc(20, i))
    const id = store.add(pieces, 1)
    for (const piece of pieces) piece.fill(0xff)
    expect(store.get(id)?.equals(Buffer.concat(pieces.map((_, i) => Buffer.alloc(20, i))))).toBe(true)
    const halves = [Buffer.alloc(50_000, 'a'), Buffer.alloc(50_000, 'b')]
    const joined = store.add(halves, 1)
    expect(store.get(joined)?.equals(Buffer.concat(halves))).toBe(true)
    expect(store.get(joined)).toBe(store.get(joined))
  })
})

describe('the default limit', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each([
    ['half of the memory', 1_000 * MEBIBYTE, 0, 500],
    ["half of the container's limit", 1_000 * MEBIBYTE, 400 * MEBIBYTE, 200],
    ["half of the memory if the container's limit is greater", 1_000 * MEBIBYTE, 2_000 * MEBIBYTE, 500],
    ['1 GiB', 64_000 * MEBIBYTE, 0, 1024],
  ])('is %s', (_, total, constrained, mebibytes) => {
    vi.spyOn(os, 'totalmem').mockReturnValue(total)
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(constrained)
    expect(defaultMaxOctets()).toBe(mebibytes * MEBIBYTE)
  })
})
