import { expect, test } from 'vitest'
import { deprecations } from '../../../src/core/config/deprecated-keys.ts'
import { editYaml } from '../../../src/core/config/edit/edit-yaml.ts'
import { migrateYaml } from '../../../src/core/config/edit/migrate-yaml.ts'
import { readEnvironment } from '../../../src/core/config/environment.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import { textWithoutSecrets } from '../../../src/core/config/secrets.ts'
import { loadText } from '../../../src/core/config/yaml.ts'

const base = '/nonexistent/lab'

/** Every deprecated key. */
const old = `# The lab of the payment team.
newsgroups:   # two of them
  - { name: lab.old, expireAfter: 2h,   keepLatest: 3 }
  # the second
  - name: lab.new
    expireAfter:   30d   # a month

# What clients may change.
control: [cancel, newgroup]
controlSenders:
  - { from: 'admin@lab.test',   key: ../admin.asc }  # Anna
retention:
  - { folders: 'lab.*', age: 30d }
  - count: 500
    size: 1MiB
# the end
`

const present = `# The lab of the payment team.
news:
  groups:
    # two of them
    - { name: lab.old, keep: { age: 2h, count: 3 } }
    # the second
    - name: lab.new
      keep: { age: 30d } # a month

  # What clients may change.
  control: [cancel, newgroup]
  senders:
    - { from: 'admin@lab.test',   keyFile: ../admin.asc }  # Anna
retention:
  - { folders: 'lab.*', keep: { age: 30d } }
  - keep: { count: 500, size: 1MiB }
# the end
`

const load = (text: string) => loadText(text, 'lab.yaml', base)

test('a document with every old key means the same as the migrated one, which has no old key', () => {
  const { text, changes } = migrateYaml(old, 'lab.yaml')
  expect(text).toBe(present)
  for (const { mappings, from } of deprecations) {
    const place = mappings[0].split('.').at(-1) === '*' ? `].${from}: now ` : `${from}: now `
    expect(changes.filter((line) => line.includes(place))).not.toEqual([])
  }
  const [before, after] = [load(old), load(text)]
  expect(before.lab).toEqual(after.lab)
  expect(before.input).toEqual(after.input)
  expect(after.warnings.filter((line) => line.includes('deprecated'))).toEqual([])
  expect(migrateYaml(text, 'lab.yaml')).toEqual({ text, changes: [] })
})

test('each old key has a warning with its line and its present form', () => {
  const lines = load(old).warnings.filter((line) => line.includes('deprecated'))
  expect(lines).toHaveLength(migrateYaml(old, 'lab.yaml').changes.length)
  const warning = (place: string, form: string) =>
    `lab.yaml:${place}: is deprecated since 0.1.0 and will not work in 0.2.0; write ${form} (sealpost config migrate FILE does it)`
  expect(lines).toContain(warning('2:1: newsgroups', 'news.groups'))
  expect(lines).toContain(warning('6:5: newsgroups[1].expireAfter', 'keep.age'))
  expect(lines).toContain(warning('11:33: controlSenders[0].key', 'keyFile'))
})

test('an old key beside its present form is one mistake, and is not migrated', () => {
  const both = 'news: { groups: [] }\nnewsgroups: []\n'
  const line = 'lab.yaml:2:1: newsgroups: is the old form of news.groups, which is set too; keep one of them'
  expect(() => load(both)).toThrow(new ConfigError([line]).message)
  expect(() => migrateYaml(both, 'lab.yaml')).toThrow(line)
  expect(() => loadObject({ news: { groups: [] }, newsgroups: [] }, base)).toThrow(/^newsgroups: is the old form/)
})

test('mistakes below an old key have the place in the file', () => {
  expect(() => load('newsgroups:\n  - { name: lab.a, expireAfter: soon }\n')).toThrow(
    /^lab\.yaml:2:33: newsgroups\[0\]\.expireAfter: is "soon"/,
  )
  expect(() => load('news: 5\nnewsgroups: []\n')).toThrow(/^lab\.yaml:1:7: news: is 5/)
})

test('variables of old keys set the present ones', () => {
  const { overrides, warnings, deprecated } = readEnvironment(
    { SEALPOST_NEWSGROUPS: '[{ name: lab.env, expireAfter: 1d }]', SEALPOST_NEWS: '{ control: [] }' },
    base,
  )
  expect(warnings).toEqual(deprecated)
  expect(deprecated).toEqual([
    expect.stringMatching(/^SEALPOST_NEWSGROUPS: is deprecated .*; write SEALPOST_NEWS_GROUPS$/),
  ])
  const found = loadText(
    'news: { groups: [], control: [cancel], senders: [{ from: a@b.test }] }',
    'lab.yaml',
    base,
    overrides,
  )
  expect(found.lab.news).toMatchObject({
    groups: [{ name: 'lab.env', keep: { age: 86_400_000 } }],
    control: [],
    senders: [{ from: 'a@b.test' }],
  })
  expect(found.warnings).toContainEqual(
    expect.stringMatching(/^SEALPOST_NEWSGROUPS: \[0\]\.expireAfter: .*; write keep\.age$/),
  )
})

test('a change by an old path finds the present key, and by a present path the old one', () => {
  const set = (text: string, path: string) => editYaml(text, 'lab.yaml', [{ op: 'set', path, value: 'x' }])
  const [before, after] = ['newsgroups: [{ name: a }]\n', 'news: { groups: [{ name: a }] }\n']
  for (const path of ['/newsgroups/0/description', 'news.groups[0].description']) {
    expect(set(before, path).text).toBe('newsgroups: [{ name: a, description: x }]\n')
    expect(set(after, path).text).toBe('news: { groups: [{ name: a, description: x }] }\n')
  }
})

test('secrets below old keys are masked', () => {
  expect(textWithoutSecrets('newsgroups: []\ndirectory: { accounts: [{ user: a, password: b }] }\n', 'lab.yaml')).toBe(
    "newsgroups: []\ndirectory: { accounts: [{ user: a, password: '***' }] }\n",
  )
})
