import {OPERATIONS, operationOf, type KnownCommand, type Operation, type OperationName} from './operations.js'

/** The permission groups of which any one allows an operation (Cloudflare's API reference); empty: every valid API token may. */
export function permissionsOf(name: OperationName): string[] {
  const {method, area}: Operation = OPERATIONS[name]
  if (area === undefined) return []
  if (area === 'Account Analytics') return [`${area} Read`]
  return method === 'GET' ? [`Access: ${area} Read`, `Access: ${area} Write`] : [`Access: ${area} Write`]
}

/** The same for a request; empty for one that zt does not make. */
export function permissionsFor(method: string, path: string): string[] {
  const name = operationOf(method, path)
  return name === undefined ? [] : permissionsOf(name)
}

/**
 * The fewest permission groups with which a command can do all of its work. A Write group includes the Read group of its
 * kind, so a command that needs both is listed under Write alone.
 */
export function neededBy({asks}: KnownCommand): string[] {
  const each = (asks?.needs ?? []).map(permissionsOf)
  const write = new Set(each.filter(({length}) => length === 1).flat())
  const read = each.filter((groups) => groups.length > 1 && !groups.some((group) => write.has(group)))
  return [...new Set([...write, ...read.map(([group]) => group ?? '')])].sort()
}
