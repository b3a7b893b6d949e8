import type { Setting } from '../tool.ts'

const NO_TAGS = 'the lab sets no tags by itself; set them by the API'

export const tagSettings: readonly Setting[] = [
  { variable: 'MP_TAG', flags: ['--tag', '-t'], missing: NO_TAGS },
  { variable: 'MP_TAGS_CONFIG', flags: ['--tags-config'], missing: NO_TAGS },
  { variable: 'MP_TAGS_TITLE_CASE', flags: ['--tags-title-case'], isSwitch: true, missing: NO_TAGS },
  { variable: 'MP_TAGS_DISABLE', flags: ['--tags-disable'], missing: NO_TAGS },
  { variable: 'MP_TAGS_USERNAME', flags: ['--tags-username'], isSwitch: true, missing: NO_TAGS },
]
