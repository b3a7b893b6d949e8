// Verifies a message of Amazon SNS with sns-validator, and a changed one.
import { createRequire } from 'node:module'

const [, , , , validator, message] = process.argv
const MessageValidator = createRequire(import.meta.url)(validator)
const verifier = new MessageValidator(/^localhost:\d+$/)
const verify = (text) =>
  new Promise((resolve) => verifier.validate(text, (error, found) => resolve(error ? error.message : found.Type)))

const text = Buffer.from(message, 'base64').toString()
console.log(JSON.stringify(await verify(text)))
console.log(JSON.stringify(await verify(JSON.stringify({ ...JSON.parse(text), MessageId: 'another' }))))
