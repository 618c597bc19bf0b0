import type {JsonObject} from '../../core/json.js'
import type {Call, Route} from './route.js'

/** Those of the objects that the request's path means: the account's own, or one zone's. */
export function inScope({state, params}: Call, objects: readonly JsonObject[]): readonly JsonObject[] {
  const {zoneOf = {}} = state.data
  return objects.filter(({id}) => zoneOf[String(id)] === params['zone'])
}

/** Puts a new object where the request's path says. */
export function place({state, params}: Call, object: JsonObject): void {
  if (params['zone'] !== undefined) (state.data.zoneOf ??= {})[String(object['id'])] = params['zone']
}

/** A removed object is in no zone any more. */
export function displace({state}: Call, object: JsonObject): void {
  if (state.data.zoneOf) delete state.data.zoneOf[String(object['id'])]
}

/** The same operation on a zone's objects, where the API has it. */
export function zoneTwin(route: Route): Route[] {
  if (route.accountOnly || !route.path.startsWith('/accounts/{account}/access/')) return []
  return [{...route, path: route.path.replace('/accounts/{account}/', '/zones/{zone}/')}]
}
