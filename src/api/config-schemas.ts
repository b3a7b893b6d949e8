import '../config/zod/provided.ts'
import { accountAccess as recordedAccess, quota as recordedQuota } from '../config/schema/directory.ts'
import { dnsDefectKeys as recordedDnsDefectKeys } from '../config/schema/dns.ts'
import { faultKeys as recordedFaultKeys } from '../config/schema/fault.ts'
import * as values from '../config/schema/values.ts'
import { virtualServer } from '../config/schema/virtual-server.ts'
import { realOf, z } from '../config/zod/recorded.ts'
import { tokenRequest as recordedTokenRequest } from '../oauth2/request.ts'

// Schemas of the configuration that operations contain. The configuration records its schemas; those of operations are zod’s.
export const accountAccess = realOf(z.strictObject(recordedAccess)).shape
export const dnsDefectKeys = realOf(recordedDnsDefectKeys)
export const duration = realOf(values.duration)
export const faultKeys = realOf(recordedFaultKeys)
export const mailAddress = realOf(values.mailAddress)
export const quota = realOf(recordedQuota)
export const timeLimit = realOf(values.timeLimit)
export const tokenRequest = realOf(recordedTokenRequest)
export const virtualServerKeys = realOf(virtualServer)
