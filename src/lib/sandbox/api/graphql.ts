import {
  buildSchema,
  executeSync,
  getDirectiveValues,
  GraphQLError,
  GraphQLFloat,
  GraphQLID,
  GraphQLIncludeDirective,
  GraphQLInt,
  GraphQLSchema,
  GraphQLSkipDirective,
  Kind,
  parse,
  specifiedRules,
  validate,
  VariablesInAllowedPositionRule,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  type SelectionNode,
} from 'graphql'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import type {SandboxState, StoredApiToken} from '../state.js'
import {settingOf} from '../settings.js'
import {
  BadQuery,
  DATASET,
  datasetSettings,
  DIMENSIONS,
  LIMITS,
  loginGroups,
  OPERATORS,
  shown,
} from './login-events.js'
import type {Result} from './answer.js'
import {PERMISSIONS} from './route.js'

/** What a query may cost: the introspection of GraphiQL, and ten datasets, are well within it. */
const MOST_TOKENS = 4000
const MOST_DEPTH = 25
const MOST_FIELDS = 500
const MOST_NODES = 10
const MOST_FAULTS = 5

const TOO_LARGE =
  'query consumed excessive resources, please try running smaller queries which consume fewer resources'
const TOO_MANY = 'in combination, your request queries too many nodes, zones and accounts'
const NOT_AUTHORISED = 'not authorized for that account'

/** "Error responses": HTTP statuses of messages; any other is the query's fault. */
const STATUSES: Record<string, number> = {[TOO_LARGE]: 429, [TOO_MANY]: 429, [NOT_AUTHORISED]: 403}

interface Context {
  state: SandboxState
  token: StoredApiToken
  /** Datasets that were read. */
  nodes: number
}

/**
 * Cloudflare's GraphQL Analytics API, with the one dataset that Access has: what the edge recorded. The answer is that of
 * its documents ("Error responses"): `data`, and `errors`, which is null if there are none.
 */
export function answerGraphql(state: SandboxState, token: StoredApiToken, body: unknown): Result {
  const context: Context = {state, token, nodes: 0}
  const timestamp = new Date(state.clock.now()).toISOString()
  let data: unknown = null
  let faults: readonly GraphQLError[]
  try {
    const result = run(body, context)
    faults = result.errors ?? []
    if (faults.length === 0) ({data} = result)
  } catch (error) {
    // The parser's stack may be too small for a query.
    if (!(error instanceof GraphQLError) && !(error instanceof RangeError)) throw error
    faults = [error instanceof GraphQLError ? error : new GraphQLError(TOO_LARGE)]
  }
  const errors = faults.slice(0, MOST_FAULTS).map(({message, path, extensions}) => ({
    message: inTheirWords(message),
    path: path?.map(String) ?? null,
    extensions: {...extensions, timestamp},
  }))
  const statuses = errors.map(({message}) => STATUSES[message] ?? 400)
  const byStatus = settingOf(state.data.settings, 'graphql_error_status')
  return {
    status: byStatus && statuses.length > 0 ? Math.max(...statuses) : 200,
    whole: {data, errors: errors.length > 0 ? errors : null},
  }
}

function run(
  body: unknown,
  context: Context,
): {data?: unknown; errors?: readonly GraphQLError[] | undefined} {
  const {query, variables, operationName} = isJsonObject(body) ? body : {}
  const isVariables = variables === undefined || variables === null || isJsonObject(variables)
  if (typeof query !== 'string' || !isVariables)
    throw new GraphQLError('query contains error, please review it and retry')
  const document = parse(query, {maxTokens: MOST_TOKENS, noLocation: true})
  checkCost(document)
  const errors = validate(SCHEMA, document, RULES, {maxErrors: MOST_FAULTS})
  if (errors.length > 0) return {errors}
  return executeSync({
    schema: SCHEMA,
    document,
    rootValue: ROOT,
    contextValue: context,
    variableValues: variables,
    operationName: typeof operationName === 'string' ? operationName : undefined,
    options: {maxCoercionErrors: MOST_FAULTS},
  })
}

/** Where the library says what Cloudflare's documents say in other words. */
function inTheirWords(message: string): string {
  const [, field] = /^Cannot query field "(\w+)" on type/.exec(message) ?? []
  if (field !== undefined) return `unknown field "${field}"`
  if (message.includes('must not have a selection')) return 'scalar fields must have no selections'
  if (message.includes('must have a selection')) return 'object field must have selections'
  return message.includes('Parsing aborted') ? TOO_LARGE : message
}

/** Fragments can make a short query a long one. */
function checkCost({definitions}: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one)
  const known = new Map<string, Cost>()
  const costOf = (selections: readonly SelectionNode[] = []): Cost => {
    const total: Cost = {fields: 0, depth: 0}
    for (const selection of selections) {
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? costOfFragment(selection.name.value)
          : costOf(selection.selectionSet?.selections)
      total.fields += inner.fields + (selection.kind === Kind.FIELD ? 1 : 0)
      total.depth = Math.max(total.depth, inner.depth + 1)
    }
    return total
  }
  const costOfFragment = (name: string): Cost => {
    const found = known.get(name)
    if (found) return found
    // One that contains itself is refused afterwards.
    known.set(name, {fields: 0, depth: 0})
    const cost = costOf(fragments.get(name)?.selectionSet.selections)
    known.set(name, cost)
    return cost
  }
  for (const one of definitions) {
    if (!('selectionSet' in one)) continue
    const {fields, depth} = costOf(one.selectionSet?.selections)
    if (fields > MOST_FIELDS || depth > MOST_DEPTH) throw new GraphQLError(TOO_LARGE)
  }
}

interface Cost {
  fields: number
  depth: number
}

/** A filter's fields: each dimension with each operator. */
const FILTERS = Object.entries(DIMENSIONS).flatMap(([name, {kind}]) => [
  `${name}: ${kind}`,
  ...OPERATORS.map((operator) => `${name}_${operator}: ${operator === 'in' ? `[${kind}!]` : kind}`),
  ...(kind === 'string' ? [`${name}_like: ${kind}`] : []),
])
const ORDERS = ['count', ...Object.keys(DIMENSIONS)].flatMap((name) => [`${name}_ASC`, `${name}_DESC`])

/** The types have the names of Cloudflare's; a query declares its variables with them. */
const DEFINITION = `
scalar string
scalar uint8
scalar uint64
scalar Time
scalar Date

type Query {
  viewer: viewer
}
type viewer {
  accounts(filter: AccountFilter_InputObject): [account!]
}
input AccountFilter_InputObject {
  accountTag: string
  accountTag_in: [string!]
}
type account {
  "Access login requests: of service tokens and Bypass, not of persons."
  ${DATASET}(limit: uint64, filter: AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject, orderBy: [AccountAccessLoginRequestsAdaptiveGroupsOrderBy!]): [AccountAccessLoginRequestsAdaptiveGroups!]
  settings: AccountSettings
}
type AccountSettings {
  ${DATASET}: Settings
}
type Settings {
  availableFields: [string!]
  enabled: Boolean
  maxDuration: uint64
  maxNumberOfFields: uint64
  maxPageSize: uint64
  notOlderThan: uint64
}
type AccountAccessLoginRequestsAdaptiveGroups {
  "An estimate, if the data is a sample."
  count: uint64!
  dimensions: AccountAccessLoginRequestsAdaptiveGroupsDimensions
}
type AccountAccessLoginRequestsAdaptiveGroupsDimensions {
  ${Object.entries(DIMENSIONS)
    .map(([name, {kind}]) => `${name}: ${kind}!`)
    .join('\n  ')}
}
input AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject {
  AND: [AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject!]
  OR: [AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject!]
  ${FILTERS.join('\n  ')}
}
enum AccountAccessLoginRequestsAdaptiveGroupsOrderBy {
  ${ORDERS.join('\n  ')}
}
`

/** With the types that public clients declare their variables with, although no field has them. */
const SCHEMA = withTypes(buildSchema(DEFINITION))
function withTypes(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig()
  return new GraphQLSchema({...config, types: [...config.types, GraphQLInt, GraphQLFloat, GraphQLID]})
}

/** Public clients declare `String` for `string` and `Int` for `uint64`, and Cloudflare takes them. */
const RULES = specifiedRules.filter((rule) => rule !== VariablesInAllowedPositionRule)

const ROOT = {viewer: {accounts}}

function accounts({filter}: {filter?: JsonObject | null}, context: Context): object[] {
  const {state, token} = context
  const {accountTag, accountTag_in: tags} = filter ?? {}
  const listed = Array.isArray(tags) ? (tags as unknown[]) : []
  const wanted = [accountTag, ...listed].filter((tag) => tag != null)
  const [id] = wanted
  // "Filtering": a filter is required, and it names one account.
  if (typeof id !== 'string')
    throw new GraphQLError('error parsing args for "accounts": filter needs accountTag')
  if (wanted.length > 1) throw new GraphQLError(TOO_MANY)
  const groups = token.permission_groups
  const may = !groups || PERMISSIONS.analytics.read.some((name) => groups.includes(name))
  if (!may || !state.data.accounts.some((one) => one['id'] === id))
    // `authz` is reported by several clients.
    throw new GraphQLError(NOT_AUTHORISED, {extensions: {code: 'authz'}})
  return [
    {
      [DATASET]: (args: DatasetArguments, _context: Context, info: GraphQLResolveInfo) =>
        dataset(id, args, {context, info}),
      settings: {[DATASET]: datasetSettings(state.data.settings)},
    },
  ]
}

interface DatasetArguments {
  limit?: unknown
  filter?: unknown
  orderBy?: unknown
}

function dataset(
  accountId: string,
  {limit, filter, orderBy}: DatasetArguments,
  {context, info}: {context: Context; info: GraphQLResolveInfo},
): object[] {
  const {state} = context
  if (++context.nodes > MOST_NODES) throw new GraphQLError(TOO_MANY)
  const {settings} = state.data
  if (!settingOf(settings, 'analytics'))
    throw new GraphQLError(`account "${accountId}" does not have access to the path "${DATASET}"`, {
      extensions: {code: 'authz'},
    })
  const fields = fieldsBelow(info.fieldNodes, info)
  const dimensions = fieldsBelow(
    fields.filter(({name}) => name.value === 'dimensions'),
    info,
  )
  if (fields.length + dimensions.length > LIMITS.maxNumberOfFields)
    throw new GraphQLError(`number of fields can't be more than ${LIMITS.maxNumberOfFields}`)
  const names = [...new Set(dimensions.map(({name}) => name.value))].filter((name) => name in DIMENSIONS)
  try {
    const groups = loginGroups(
      {limit, filter, orderBy, dimensions: names},
      {
        accountId,
        // The edge is the first account's.
        events: accountId === state.accountId ? state.record.events : [],
        settings,
        now: state.clock.now(),
      },
    )
    return groups.map(({count, dimensions: values}) => ({
      count,
      dimensions: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, shown(name, value)]),
      ),
    }))
  } catch (error) {
    throw error instanceof BadQuery ? new GraphQLError(error.message) : error
  }
}

/** The fields that a query selects below others, without those that @skip and @include leave out. */
function fieldsBelow(nodes: readonly FieldNode[], info: GraphQLResolveInfo): FieldNode[] {
  const inside = (selections: readonly SelectionNode[]): FieldNode[] =>
    selections.flatMap((selection) => {
      const skip = getDirectiveValues(GraphQLSkipDirective, selection, info.variableValues)
      const include = getDirectiveValues(GraphQLIncludeDirective, selection, info.variableValues)
      if (skip?.['if'] === true || include?.['if'] === false) return []
      if (selection.kind === Kind.FIELD) return [selection]
      const {selectionSet} =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : (info.fragments[selection.name.value] ?? {})
      return inside(selectionSet?.selections ?? [])
    })
  return nodes.flatMap(({selectionSet}) => inside(selectionSet?.selections ?? []))
}
