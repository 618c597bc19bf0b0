/** Permission groups as the dashboard names them; any one of an operation's groups is enough (Cloudflare's API reference). */
const SERVICE_TOKENS = ['Access: Service Tokens Read', 'Access: Service Tokens Write']
const APPS = ['Access: Apps and Policies Read', 'Access: Apps and Policies Write']
const ORGANIZATION = [
  'Access: Organizations, Identity Providers, and Groups Read',
  'Access: Organizations, Identity Providers, and Groups Write',
]
const AREAS: [RegExp, string[]][] = [
  [/\/access\/service_tokens(\/|$)/, SERVICE_TOKENS],
  [/\/access\/(apps|policies)(\/|$)/, APPS],
  [/\/access\/(groups|organizations)(\/|$)/, ORGANIZATION],
]

/** The permission groups, any one of which allows a request; empty for what needs none of its own. */
export function permissionsFor(method: string, path: string): string[] {
  const groups = AREAS.find(([area]) => area.test(path))?.[1] ?? []
  return method === 'GET' ? groups : groups.filter((name) => name.endsWith('Write'))
}
