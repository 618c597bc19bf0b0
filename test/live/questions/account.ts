import {randomBytes} from 'node:crypto'
import {isJsonObject} from '../../../src/lib/core/json.js'
import {statusOf, type Question} from '../context.js'

const unknownToken = (): string => `Bearer ${randomBytes(20).toString('hex')}`

/** The API token, the account and what all requests have in common. */
export const ACCOUNT: Question[] = [
  {
    id: 'account.verify',
    question: 'Which endpoint verifies this kind of API token?',
    matters: 'src/lib/api/client.ts, verifyToken',
    ask: async ({api, accountId}) => ({
      user: statusOf(await api.get('/user/tokens/verify')),
      account: statusOf(await api.get(`/accounts/${accountId}/tokens/verify`)),
    }),
  },
  {
    id: 'account.list',
    question: 'May this API token list accounts?',
    matters: 'zt login without --account',
    ask: async ({api}) => statusOf(await api.get('/accounts')),
    settings: (answer) =>
      answer === '200' ? {hide_accounts: false} : answer === '400/1001' ? {hide_accounts: true} : {},
  },
  {
    id: 'account.read',
    question: 'May it read its account?',
    matters: 'zt login --account',
    ask: async ({api, accountId}) => statusOf(await api.get(`/accounts/${accountId}`)),
  },
  {
    id: 'account.unknown-token',
    question: 'What does an unknown API token get?',
    matters: 'src/lib/api/errors.ts',
    ask: async ({api, accountId}) => ({
      verify: statusOf(await api.get('/user/tokens/verify', unknownToken())),
      apps: statusOf(await api.get(`/accounts/${accountId}/access/apps`, unknownToken())),
    }),
  },
  {
    id: 'account.malformed-header',
    question: 'What does a malformed Authorization header get?',
    matters: 'src/lib/api/errors.ts',
    ask: async ({api}) => {
      const answer = await api.get('/user/tokens/verify', 'Bearer')
      const errors = isJsonObject(answer.body) ? answer.body['errors'] : undefined
      const [first] = Array.isArray(errors) ? (errors as unknown[]) : []
      const chain = isJsonObject(first) ? first['error_chain'] : undefined
      const codes = Array.isArray(chain) ? chain.filter(isJsonObject).map(({code}) => Number(code)) : []
      return [statusOf(answer), ...codes]
    },
  },
  {
    id: 'account.unknown-account',
    question: 'What does the ID of an unknown account get?',
    matters: 'src/lib/api/errors.ts',
    ask: async ({api}) => statusOf(await api.get(`/accounts/${randomBytes(16).toString('hex')}/access/apps`)),
  },
  {
    id: 'account.strict',
    question: 'Is strict service-token authentication on, and is it readable?',
    matters: 'src/lib/access/explain',
    ask: async ({api, accountId}) => {
      const answer = await api.get(`/accounts/${accountId}/access/organizations`)
      const strict = isJsonObject(answer.result) ? answer.result['strict_service_token_auth'] : undefined
      return answer.status === 200 ? (typeof strict === 'boolean' ? strict : 'not shown') : statusOf(answer)
    },
    settings: (answer) => (typeof answer === 'boolean' ? {strict_service_token_auth: answer} : {}),
  },
  {
    id: 'account.limit-headers',
    question: 'Which headers tell how many requests are left?',
    matters: 'src/lib/api/transport.ts',
    ask: async ({api}) => {
      const {headers} = await api.get('/user/tokens/verify')
      return [...headers]
        .map(([name]) => name)
        .filter((name) => /ratelimit|retry-after/i.test(name))
        .sort()
    },
  },
  {
    id: 'account.past-the-end',
    question: 'What is a page past the last one?',
    matters: 'src/lib/api/paging.ts',
    ask: async ({api}) => {
      const answer = await api.access('GET', 'service_tokens?page=9999&per_page=100')
      return [statusOf(answer), Array.isArray(answer.result) ? answer.result.length : 'no list']
    },
  },
]

/** Asked last. */
export const THROTTLING: Question = {
  id: 'account.throttling',
  question: 'How many requests were refused with 403 and answered later?',
  matters: 'a 403 that is not a missing permission',
  ask: async ({api}) => api.throttled,
  settings: (answer) => (typeof answer === 'number' ? {throttle_403: answer} : {}),
}
