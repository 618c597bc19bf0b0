import type {Question} from '../context.js'
import {ACCOUNT, THROTTLING} from './account.js'
import {APPLICATIONS} from './applications.js'
import {EDGE} from './edge.js'
import {POLICIES} from './policies.js'
import {TOKENS} from './tokens.js'

/** Every question, in the order in which they are asked. */
export const QUESTIONS: readonly Question[] = [
  ...ACCOUNT,
  ...TOKENS,
  ...POLICIES,
  ...APPLICATIONS,
  ...EDGE,
  THROTTLING,
]
