import { setFlagsFromString } from 'node:v8'

// V8 does this in a process that has run for long, when its patterns have 1 MB and its code 16 MB. Each step of a loop of a
// pattern then takes 8 of the 64 MiB that a pattern has for its way: a text of 9 million characters can end it.
setFlagsFromString('--no-regexp-optimization')
