import {randomUUID} from 'node:crypto'
import {isJsonObject} from '../../../src/lib/core/json.js'
import {formOf, orderOf, statusOf, verdict, type Context, type Question} from '../context.js'

const DAY_MS = 24 * 3600 * 1000

const daysUntil = (context: Context, time: unknown): number =>
  Math.round((Date.parse(String(time)) - context.api.now()) / DAY_MS)

/** The life of a service token. */
export const TOKENS: Question[] = [
  {
    id: 'token.create',
    question: 'What does the creation of a token answer, and in which form is the secret?',
    matters: 'src/lib/api/answers.ts, isClientSecret',
    ask: async (context) => {
      const answer = await context.api.access('POST', 'service_tokens', {name: context.name()})
      const made = isJsonObject(answer.result) ? answer.result : {}
      const secret = String(made['client_secret'])
      const kind = /^[0-9a-f]+$/.test(secret)
        ? 'hex'
        : secret.startsWith('cfast_')
          ? 'cfast_'
          : 'another form'
      return {status: answer.status, secret: `${kind}, ${secret.length}`, fields: Object.keys(made).sort()}
    },
  },
  {
    id: 'token.create-disabled',
    question: 'Does creation honour "enabled": false?',
    matters: 'zt token create',
    ask: async (context) => {
      const {id} = await context.token({enabled: false})
      return (await context.read(`service_tokens/${id}`))['enabled'] === false ? 'honoured' : 'ignored'
    },
    settings: (answer) => ({create_disabled: answer === 'honoured' ? 'honoured' : 'ignored'}),
  },
  {
    id: 'token.same-name',
    question: 'May two tokens have one name?',
    matters: 'zt token create, src/lib/access/account',
    ask: async (context) => {
      const {raw} = await context.token()
      return verdict(await context.api.access('POST', 'service_tokens', {name: raw['name']}))
    },
  },
  {
    id: 'token.dates',
    question: 'How are times of a token written?',
    matters: 'src/lib/api/answers.ts, isTime',
    ask: async (context) => {
      const {raw} = await context.token()
      return {
        created: formOf(raw['created_at']),
        expires: formOf(raw['expires_at']),
        used: formOf(raw['last_seen_at']),
      }
    },
  },
  {
    id: 'token.forever',
    question: 'What is the expiry of a token that lasts for ever?',
    matters: 'src/lib/api/convert.ts',
    ask: async (context) => {
      const {raw} = await context.token({duration: 'forever'})
      return {duration: String(raw['duration']), expires: formOf(raw['expires_at'])}
    },
  },
  {
    id: 'token.partial-update',
    question: 'Does a PUT of the name alone keep the duration and "enabled"?',
    matters: 'zt token rename',
    ask: async (context) => {
      const {id} = await context.token({duration: '48h'})
      await context.api.access('PUT', `service_tokens/${id}`, {enabled: false})
      const answer = await context.api.access('PUT', `service_tokens/${id}`, {name: context.name()})
      const {duration, enabled} = await context.read(`service_tokens/${id}`)
      return {answer: verdict(answer), duration: duration === '48h', enabled: enabled === false}
    },
  },
  {
    id: 'token.new-duration',
    question: 'How many days has a token of one day after a PUT of 240h?',
    matters: 'zt token refresh --duration',
    ask: async (context) => {
      const {id} = await context.token({duration: '24h'})
      await context.api.access('PUT', `service_tokens/${id}`, {duration: '240h'})
      return daysUntil(context, (await context.read(`service_tokens/${id}`))['expires_at'])
    },
  },
  {
    id: 'token.refresh',
    question: 'How many days has a token of ten days after a refresh?',
    matters: 'zt token refresh',
    ask: async (context) => {
      const {id} = await context.token({duration: '240h'})
      const answer = await context.api.access('POST', `service_tokens/${id}/refresh`)
      return [
        statusOf(answer),
        daysUntil(context, (await context.read(`service_tokens/${id}`))['expires_at']),
      ]
    },
  },
  {
    id: 'token.rotate',
    question: 'What does a rotation change?',
    matters: 'zt token rotate, src/lib/secrets/journal',
    ask: async (context) => {
      const token = await context.token()
      const until = new Date(context.api.now() + 3600_000).toISOString()
      const body = {previous_client_secret_expires_at: until}
      const answer = await context.api.access('POST', `service_tokens/${token.id}/rotate`, body)
      const made = isJsonObject(answer.result) ? answer.result : {}
      return {
        status: statusOf(answer),
        version: Number(made['client_secret_version'] ?? 0),
        clientId: made['client_id'] === token.clientId ? 'kept' : 'changed',
        secret: typeof made['client_secret'] === 'string' && made['client_secret'] !== token.secret.expose(),
      }
    },
  },
  {
    id: 'token.not-found',
    question: 'What does an unknown ID get, and a client ID in its place?',
    matters: 'src/lib/api/errors.ts',
    ask: async (context) => {
      const {clientId} = await context.token()
      const unknown = await context.api.access('GET', `service_tokens/${randomUUID()}`)
      return [statusOf(unknown), statusOf(await context.api.access('GET', `service_tokens/${clientId}`))]
    },
  },
  {
    id: 'token.in-use',
    question: 'What does the deletion of a token get that a policy or a group names?',
    matters: 'zt token revoke',
    ask: async (context) => {
      const [one, other] = [await context.token(), await context.token()]
      await context.policy('non_identity', [{service_token: {token_id: one.id}}])
      await context.api.access('POST', 'groups', {
        name: context.name(),
        include: [{service_token: {token_id: other.id}}],
      })
      return {
        policy: verdict(await context.api.access('DELETE', `service_tokens/${one.id}`)),
        group: verdict(await context.api.access('DELETE', `service_tokens/${other.id}`)),
      }
    },
  },
  {
    id: 'token.delete',
    question: 'What does a deletion answer?',
    matters: 'src/lib/api/client.ts, remove',
    ask: async (context) => {
      const {id} = await context.token()
      const {status, result} = await context.api.access('DELETE', `service_tokens/${id}`)
      return [status, isJsonObject(result) && 'client_id' in result ? 'the token' : 'no token']
    },
  },
  {
    id: 'token.order',
    question: 'In which order are tokens listed?',
    matters: 'zt token list',
    ask: async (context) => {
      const made = [await context.token(), await context.token(), await context.token()].map(({id}) => id)
      return orderOf(
        (await context.api.list('service_tokens')).map(({id}) => id),
        made,
      )
    },
  },
  {
    id: 'token.filter',
    question: 'Does ?name= find a part of a name?',
    matters: 'zt token list, src/lib/access/account',
    ask: async (context) => {
      const {raw} = await context.token()
      const {result} = await context.api.access(
        'GET',
        `service_tokens?name=${String(raw['name']).slice(0, -1)}`,
      )
      const found =
        Array.isArray(result) && result.some((one) => isJsonObject(one) && one['id'] === raw['id'])
      return found ? 'a part' : 'the whole name only'
    },
  },
  {
    id: 'token.refused',
    question: 'What do a name of 351 characters and an invalid duration get?',
    matters: 'src/lib/access/tokens',
    ask: async (context) => {
      const long = await context.api.access('POST', 'service_tokens', {name: context.name().padEnd(351, 'x')})
      const odd = await context.api.access('POST', 'service_tokens', {
        name: context.name(),
        duration: 'a while',
      })
      return {name: verdict(long), duration: verdict(odd)}
    },
  },
]
